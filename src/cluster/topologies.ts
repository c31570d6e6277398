import { hostsWith } from './cluster.ts';
import type { Cluster, Role } from './cluster.ts';

/** The shapes that `init` and `lab up` can make, and that are tested. */
export const topologies = ['T1', 'T3', 'T3L', 'T3E', 'T5'] as const;
export type Topology = (typeof topologies)[number];

export interface DescribedHost {
  readonly name: string;
  readonly roles: readonly Role[];
}

/** What each topology is, in a few words. */
export const topologyTitles: Readonly<Record<Topology, string>> = {
  T1: 'one host',
  T3: 'three hosts with all roles',
  T3L: 'three control-plane hosts with etcd, two load balancers',
  T3E: 'three etcd hosts, two control-plane hosts with load balancers',
  T5: 'five hosts with all roles',
};

/** The hosts of a topology with their roles, in the order of the cluster file. */
export function describeHosts(topology: Topology): readonly DescribedHost[] {
  switch (topology) {
    case 'T1':
      return numbered('cp', 1, ['etcd', 'control-plane', 'load-balancer']);
    case 'T3':
      return numbered('cp', 3, ['etcd', 'control-plane', 'load-balancer']);
    case 'T3L':
      return [...numbered('cp', 3, ['etcd', 'control-plane']), ...numbered('lb', 2, ['load-balancer'])];
    case 'T3E':
      return [...numbered('etcd', 3, ['etcd']), ...numbered('cp', 2, ['control-plane', 'load-balancer'])];
    case 'T5':
      return numbered('cp', 5, ['etcd', 'control-plane', 'load-balancer']);
  }
}

/** "T3" for a cluster with the hosts of that shape, else "4 hosts"; "T3 with 2 workers". */
export function nameTopology({ hosts }: Pick<Cluster, 'hosts'>): string {
  const shape = (all: readonly { readonly roles: readonly Role[] }[]) => all.map(({ roles }) => [...roles].sort().join('+')).sort().join(' ');
  const workers = hosts.filter(({ roles }) => roles.includes('worker'));
  const others = hosts.filter((host) => !workers.includes(host));
  const name = topologies.find((topology) => shape(describeHosts(topology)) === shape(others)) ?? `${others.length} hosts`;
  return workers.length === 0 ? name : `${name} with ${workers.length} worker${workers.length === 1 ? '' : 's'}`;
}

/** Workers for a lab or an example. */
export function describeWorkers(count: number): readonly DescribedHost[] {
  return numbered('w', count, ['worker']);
}

/**
 * The loss of which hosts the API survives, in words that complete "survives the loss of": "any one host", "any two hosts", or "nothing: …" with
 * the hosts that must not be lost. An API server on an etcd host uses only the member beside it, so it lives and dies with its host as
 * that member does; what counts is an etcd majority, one API server and one load balancer.
 */
export function survives(cluster: Pick<Cluster, 'hosts'>): string {
  const parts = needs.map(({ role, spare, lacks }) => {
    const hosts = hostsWith(cluster as Cluster, role).map(({ name }) => name);
    return { hosts, spare: spare(hosts.length), lacks };
  });
  const spare = Math.min(...parts.map((part) => part.spare));
  if (spare > 0) return `any ${words[spare] ?? spare} host${spare === 1 ? '' : 's'}`;
  const missing = parts.filter(({ hosts }) => hosts.length === 0).map(({ lacks }) => lacks);
  if (missing.length > 0) return `nothing: there is ${either(missing)}`;
  const fatal = new Map<string, readonly string[]>();
  for (const { hosts, spare: left, lacks } of parts) {
    if (left === 0) for (const host of hosts) fatal.set(host, [...(fatal.get(host) ?? []), lacks]);
  }
  return `nothing: ${byConsequence(fatal).join('; ')}`;
}

const words = ['no', 'one', 'two', 'three', 'four'] as const;

/** What the API cannot be without, and how many of n hosts may be lost. */
const needs: readonly { readonly role: Role; readonly spare: (hosts: number) => number; readonly lacks: string }[] = [
  { role: 'etcd', spare: (hosts) => Math.max(0, Math.ceil(hosts / 2) - 1), lacks: 'no etcd majority' },
  { role: 'control-plane', spare: (hosts) => Math.max(0, hosts - 1), lacks: 'no API server' },
  { role: 'load-balancer', spare: (hosts) => Math.max(0, hosts - 1), lacks: 'no load balancer' },
];

/** "without cp1 there is no API server", hosts with the same consequence in one clause. */
function byConsequence(fatal: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const clauses = new Map<string, string[]>();
  for (const [host, lacks] of fatal) {
    const consequence = either(lacks);
    clauses.set(consequence, [...(clauses.get(consequence) ?? []), host]);
  }
  return [...clauses].map(([consequence, hosts]) => `without ${hosts.join(' or ')} there is ${consequence}`);
}

/** ["no a", "no b", "no c"] → "no a, no b and no c". */
function either(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function numbered(prefix: string, count: number, roles: readonly Role[]): readonly DescribedHost[] {
  return Array.from({ length: count }, (_, position) => ({ name: `${prefix}${position + 1}`, roles }));
}
