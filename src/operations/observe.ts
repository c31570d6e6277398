import { X509Certificate } from 'node:crypto';
import type { Cluster, HostSpec } from '../cluster/cluster.ts';
import { isUncheckedTwin } from '../cluster/service.ts';
import type { Host } from '../hosts/host.ts';
import { expectSuccess } from '../hosts/local.ts';
import type { Clock } from '../lib/clock.ts';
import { KubekeepError, toKubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { factsScript } from './_facts-script.ts';
import { parseHaproxyStat } from '../clients/haproxy/parse-stat.ts';
import { parseFollower } from './follower/follower-fact.ts';
import type { BackendFact, ClusterFacts, FileFact, HostFacts, UnitFact, Unreachable } from './facts.ts';

/** The hosts of a cluster by name. */
export type Hosts = ReadonlyMap<string, Host>;

/**
 * Looks at every host at once. A host that does not answer is a fact, not an error; a host that answers with a wrong key or refuses the login
 * is an error, since nothing true can be said about it.
 */
export async function observe(cluster: Cluster, hosts: Hosts, { clock, signal, timeout = 20_000 }: { clock: Clock; signal?: AbortSignal | undefined; timeout?: number }): Promise<ClusterFacts> {
  const entries = await parallel(cluster.hosts, async (spec) => [spec.name, await observeHost(spec, hosts.get(spec.name)!, timeout, signal)] as const);
  return { observedAt: clock.now(), hosts: new Map(entries) };
}

export async function observeHost(spec: HostSpec, host: Host, timeout: number, signal?: AbortSignal): Promise<HostFacts | Unreachable> {
  try {
    const result = await host.run(factsScript(spec.address), { timeout, signal });
    if (result.timedOut) return { reachable: false, reason: `no answer within ${timeout / 1000} s` };
    return parseFacts(expectSuccess(result, 'looking at the host').stdout);
  } catch (caught) {
    const error = toKubekeepError(caught);
    if (error.code === 'host-unreachable') return { reachable: false, reason: error.message };
    throw error;
  }
}

/**
 * Turns the script's lines into facts. Throws `command-failed` where the output was cut short.
 * @internal
 */
export function parseFacts(output: string): HostFacts {
  const lines = output.split('\n').map((line) => line.split('\t'));
  const all = (kind: string) => lines.filter(([first]) => first === kind).map((fields) => fields.slice(1));
  const first = (kind: string) => all(kind)[0]?.[0] ?? '';
  if (all('end').length === 0) throw new KubekeepError('command-failed', 'looking at the host: its answer was cut short');
  const decode = (base64: string) => Buffer.from(base64, 'base64').toString();
  const etcd = all('etcd').map(([word]) => word);
  const hashes = new Map(all('hash').map(([path, sha256]) => [path!, sha256!]));
  const files = new Map<string, FileFact>();
  for (const [path, mode, owner] of all('stat')) files.set(path!, { sha256: hashes.get(path!) ?? '', mode: Number.parseInt(mode!, 8), owner: owner! });
  const units = new Map<string, UnitFact>();
  for (const [id, load, active, sub, enabled, reload] of unitLines(all('unit'))) units.set(id!, { load: load!, active: active!, sub: sub!, enabled: enabled!, needsReload: reload === 'yes' });
  const identity = first('identity');
  const sealed = first('sealed');
  const api = all('api').map(([word]) => word);
  return {
    reachable: true,
    os: first('os'),
    architecture: first('arch'),
    openFiles: Number(first('openfiles')) || 1024,
    clock: Number(first('clock')) * 1000,
    addresses: all('address').map(([name, cidr]) => ({ interface: name!, address: cidr!.split('/')[0]!, prefix: Number(cidr!.split('/')[1]) })),
    files,
    certificates: new Map(all('cert').map(([path, pem]) => [path!, decode(pem!)])),
    recordedSums: new Map(all('key').map(([path, sha256]) => [path!, sha256!])),
    programs: new Map(all('program').map(([path, sha256]) => [path!, sha256!])),
    units,
    pendingUnits: new Set(all('pending').map(([unit]) => unit!)),
    packages: new Map(all('package').map(([name, version]) => [name!, version!])),
    users: new Set(all('user').map(([name]) => name!)),
    nonlocalBind: first('nonlocalbind') === '1',
    openPorts: new Set(all('listens').map(([port]) => Number(port))),
    containers: { cgroups: first('cgroups') === '1' ? 1 : 2, nested: lines.some(([kind]) => kind === 'nested'), resolvConf: first('resolvconf') || '/etc/resolv.conf' },
    joined: lines.some(([kind]) => kind === 'joined') && !hasEnded(decode(first('joined')), Number(first('clock')) * 1000),
    identity: identity ? (JSON.parse(decode(identity)) as HostFacts['identity']) : undefined,
    sealed: sealed ? decode(sealed) : undefined,
    completed: lines.some(([kind]) => kind === 'completed'),
    restoring: first('restoring') === '' ? undefined : decode(first('restoring')),
    restored: first('restored') || undefined,
    endedRestores: all('ended').flat().filter((id) => id !== ''),
    etcd: {
      hasData: etcd.includes('data'),
      formed: etcd.includes('formed'),
      initialState: etcd.find((word) => word === 'new' || word === 'existing') as 'new' | 'existing' | undefined,
      ready: etcd.includes('ready'),
    },
    balancerPeers: all('peers').flat().filter((address) => address !== ''),
    ...(first('follower') !== '' && { follower: parseFollower(decode(first('follower'))) }),
    apiServer: { live: api.includes('live'), ready: api.includes('ready') },
    backends: backendsOf(all('stat-line')),
    serviceServers: backendsOf(all('service-line')).filter(({ server }) => !isUncheckedTwin(server)),
  };
}

function backendsOf(lines: readonly (readonly string[])[]): BackendFact[] {
  return parseHaproxyStat(lines.map(([line]) => line!).join('\n'))
    .filter(({ server }) => server !== 'FRONTEND' && server !== 'BACKEND')
    .map(({ proxy, server, status, statusText, checkStatus, checkText, currentSessions }) => ({ backend: proxy, server, status, serves: statusText === 'UP', lastCheck: checkStatus, lastCheckText: checkText, sessions: currentSessions }));
}

/** Whether the kubelet's certificate is no longer good for anything, a renewal included; one that cannot be read is left to the kubelet. */
function hasEnded(pem: string, now: number): boolean {
  try {
    return new X509Certificate(pem).validToDate.getTime() < now;
  } catch {
    return false;
  }
}

/** A trailing tab of every line gives an empty last field. */
function unitLines(lines: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lines.filter(([id]) => id);
}
