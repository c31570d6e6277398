import type { HostFacts } from '../facts.ts';

/**
 * Whether etcd's data on a host is of before the restore of the whole cluster that the others came from: the host was away then. The restored members do not accept it, and it never comes up.
 */
export function isFromBefore(found: HostFacts, all: Iterable<HostFacts>): boolean {
  if (!found.etcd.hasData || found.etcd.ready) return false;
  return [...all].some(({ etcd, restored }) => etcd.ready && restored !== undefined && restored !== found.restored);
}

/** Id of the restore that the members that are ready came from. */
export function restoreOf(all: Iterable<HostFacts>): string | undefined {
  return [...all].find(({ etcd, restored }) => etcd.ready && restored !== undefined)?.restored;
}
