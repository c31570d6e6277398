import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { configFolder } from '../render/paths.ts';
import { quote } from '../hosts/quote.ts';
import { reachable, type ClusterFacts } from './facts.ts';
import type { Operation } from './operation.ts';

/** An address that load balancers still share the VIP with, though nothing tells it that it is a balancer no more. */
interface StrayBalancer {
  readonly address: string;
  /** Balancers that know it. */
  readonly knownBy: readonly string[];
}

/**
 * Balancers that were taken out of the cluster file, or lost the role while they are away, and would hold the VIP beside the others once those do not listen to them any more. Throws `unsupported-change` where one still
 * answers; the others, in sentences: they are off, and must not come back as they were.
 */
export async function refuseStrayBalancers({ cluster, hosts, signal }: Pick<Operation, 'cluster' | 'hosts' | 'signal'>, facts: Pick<ClusterFacts, 'hosts'>): Promise<readonly string[]> {
  const asked = await parallel(strayBalancers(cluster, facts), async (stray) => {
    const { stdout } = await hosts.get(stray.knownBy[0]!)!.run(answersScript(stray.address), { timeout: 20_000, signal });
    return { ...stray, answers: stdout.includes('answers') };
  });
  const living = asked.find(({ answers }) => answers);
  if (living) throw new KubekeepError('unsupported-change', `${spokenOf(cluster, living)} was a load balancer, answers, and is none in the cluster file: it would hold the VIP beside the others`, { hint: hintFor(living) });
  return asked.map((stray) => `${spokenOf(cluster, stray)} was a load balancer and does not answer: it would hold the VIP beside the others if it came back with its disk as it is`);
}

/** @internal */
export function strayBalancers(cluster: Cluster, { hosts }: Pick<ClusterFacts, 'hosts'>): readonly StrayBalancer[] {
  const seen = [...hosts].flatMap(([name, found]) => (reachable(found) ? [{ name, found }] : []));
  // A host that answers is told itself, at whatever addresses it has.
  const known = new Set([...hostsWith(cluster, 'load-balancer').map(({ address }) => address), ...seen.flatMap(({ found }) => found.addresses.map(({ address }) => address))]);
  const pairs = seen.flatMap(({ name, found }) => (found.balancerPeers ?? []).filter((address) => !known.has(address)).map((address) => ({ name, address })));
  return [...Map.groupBy(pairs, ({ address }) => address)].map(([address, knowing]) => ({ address, knownBy: knowing.map(({ name }) => name) }));
}

function spokenOf({ hosts }: Cluster, { address }: StrayBalancer): string {
  const host = hosts.find((one) => one.address === address);
  return host ? `${host.name} (${address})` : address;
}

function hintFor({ knownBy }: StrayBalancer): string {
  return `Give it another role than load-balancer in the cluster file, run kubekeep apply, and take it out then; or run systemctl disable --now kubekeep-keepalived kubekeep-haproxy there and switch it off. If the address is another machine's by now, take it out of unicast_peer in ${configFolder}/keepalived.conf on ${knownBy.join(', ')}.`;
}

/**
 * Whether a machine has this address: it takes or refuses a connection, or answers ARP where a firewall swallows them. An entry of the neighbour table that is old is asked for again within 5 s.
 * @internal
 */
export function answersScript(address: string): string {
  return `LC_ALL=C; export LC_ALL
a=${quote(address)}
if said=$(timeout 8 bash -c ': < "/dev/tcp/$0/22"' "$a" 2>&1); then echo answers
else case $said in *refused*) echo answers;; *) ip -4 neigh show to "$a" 2>/dev/null | grep -q REACHABLE && echo answers;; esac; fi
true`;
}
