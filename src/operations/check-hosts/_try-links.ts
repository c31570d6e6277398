import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { quote } from '../../hosts/quote.ts';
import { parallel } from '../../lib/parallel.ts';
import { probesOf, type HostsToCheck, type SeenHosts, type TriedLink } from './seen-hosts.ts';
import { listen, tryLinks as tryLinksProgram } from './_perl.ts';

/** Where the listeners note what they hear. */
const folder = '/run/kubekeep-check';
/** Seconds until a listener that nobody fetched ends by itself. */
const life = 10;
const patience = 2;

type PeerAnswer = Pick<TriedLink, 'answer' | 'roundTrip'>;

interface NeededLink {
  readonly from: HostSpec;
  readonly to: HostSpec;
  readonly what: string;
  readonly port: number | 'vrrp';
}

/**
 * Tries every connection that the roles need, from each host to each other. On ports where nobody listens yet a small listener of ours stands in for as
 * long as it takes. The result is by the host that connects.
 */
export async function tryLinks(operation: HostsToCheck, reached: readonly HostSpec[], all: SeenHosts): Promise<Map<string, readonly TriedLink[]>> {
  const { cluster, hosts, clock, signal } = operation;
  const needed = neededLinks(cluster).filter(({ from, to }) => reached.includes(from) && reached.includes(to));
  const notes = `${folder}.${Math.floor(clock.now())}`;
  const run = async (spec: HostSpec, script: string) => (await hosts.get(spec.name)!.run(script, { signal, timeout: 6000 })).stdout;
  const listening = reached.filter((spec) => needed.some(({ to }) => to === spec));
  await parallel(listening, async (spec) => {
    const ports = [...new Set(needed.flatMap(({ to, port }) => (to === spec && port !== 'vrrp' ? [port] : [])))];
    await run(spec, `perl -e ${quote(listen)} ${[notes, String(life), spec.address, spec.name, ...ports.map(String)].map(quote).join(' ')}`);
  });
  const answers = new Map(await parallel(reached, async (spec) => {
    const peers = needed.filter(({ from }) => from === spec).map(({ to, port }) => `${to.address}:${port}`);
    if (peers.length === 0) return [spec.name, new Map<string, PeerAnswer>()] as const;
    const output = await run(spec, `perl -e ${quote(tryLinksProgram)} ${[String(patience), ...new Set(peers)].map(quote).join(' ')}`);
    return [spec.name, new Map(fields(output, 'peer').map(([peer = '', answer = '', roundTrip]): [string, PeerAnswer] => [peer, { answer, ...(roundTrip !== undefined && { roundTrip: Number(roundTrip) }) }]))] as const;
  }));
  const heard = new Map(await parallel(listening, async (spec) => {
    const output = await run(spec, `cat ${notes} 2>/dev/null; kill $(sed -n 's/^pid\\t//p' ${notes}) 2>/dev/null`);
    return [spec.name, new Set(fields(output, 'from').map(([address]) => address))] as const;
  }));
  return new Map(reached.map((spec) => [spec.name, needed.filter(({ from }) => from === spec).map(({ from, to, what, port }) => {
    const answer = port === 'vrrp' ? { answer: vrrpAnswer(all, { from, to }, heard) } : (answers.get(spec.name)?.get(`${to.address}:${port}`) ?? { answer: 'unknown' });
    return { to: to.name, what, port, ...answer };
  })]));
}

/**
 * The connections without which the cluster does not work, from host to other host.
 * @internal
 */
export function neededLinks(cluster: Cluster): NeededLink[] {
  const between = (from: readonly HostSpec[], to: readonly HostSpec[], what: string, port: number | 'vrrp'): NeededLink[] =>
    from.flatMap((one) => to.filter((other) => other !== one).map((other) => ({ from: one, to: other, what, port })));
  const [etcd, servers, balancers] = [hostsWith(cluster, 'etcd'), hostsWith(cluster, 'control-plane'), hostsWith(cluster, 'load-balancer')];
  // An API server beside an etcd member uses that one only.
  const remote = servers.filter(({ roles }) => !roles.includes('etcd'));
  return [
    ...between(etcd, etcd, 'etcd', 2380),
    ...between(remote, etcd, 'the API server to etcd', 2379),
    ...between(balancers, servers, 'HAProxy to the API server', 6443),
    ...between(balancers, balancers, 'VRRP', 'vrrp'),
  ];
}

function vrrpAnswer(all: SeenHosts, { from, to }: Pick<NeededLink, 'from' | 'to'>, heard: ReadonlyMap<string, ReadonlySet<string | undefined>>): string {
  if (heard.get(to.name)?.has(from.address)) return 'open';
  // Without a raw socket nothing is heard at all.
  const probe = probesOf(all).get(to.name);
  return !probe?.vrrp || 'failed' in probe.vrrp ? 'unknown' : 'nothing arrived';
}

function fields(output: string, kind: string): string[][] {
  return output.split('\n').map((line) => line.split('\t')).filter(([first]) => first === kind).map((words) => words.slice(1));
}
