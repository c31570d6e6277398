import type { HostFacts } from '../facts.ts';

/**
 * Whether etcd's data on a host is not of the restore of the whole cluster, or of the attempt of it, that the others came from: the host was away then. The restored members do not accept it, and it never comes up.
 */
export function isFromBefore(found: HostFacts, all: Iterable<HostFacts>): boolean {
  if (!found.etcd.hasData || found.etcd.ready) return false;
  const ready = [...all].filter(({ etcd }) => etcd.ready).map(({ restored }) => restored);
  const known = ready.filter((one) => one !== undefined);
  // Where the members came from no restore, one was begun on this host and rolled back without it.
  return (known.length > 0 ? known : ready).some((one) => one !== found.restored);
}

/** The restore, and its attempt, that the members that are ready came from. */
export function restoreOf(all: Iterable<HostFacts>): string | undefined {
  return [...all].find(({ etcd, restored }) => etcd.ready && restored !== undefined)?.restored;
}
