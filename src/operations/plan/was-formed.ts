import { reachable, type ClusterFacts } from '../facts.ts';

/**
 * Whether the etcd cluster has had a quorum once, by its hosts' notes or because a member answers consistent reads now. From then on it is never
 * bootstrapped again: a host without data joins it, and hosts are changed one at a time.
 */
export function wasFormed(facts: Pick<ClusterFacts, 'hosts'>): boolean {
  return [...facts.hosts.values()].filter(reachable).some(({ etcd, completed }) => etcd.formed || etcd.ready || completed);
}
