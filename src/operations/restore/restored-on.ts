import { reachable, type ClusterFacts, type HostFacts } from '../facts.ts';
import type { Living } from './look-at-living.ts';
import { restoreIdOf } from './restore-record.ts';

/** The restore that the cluster came from: that of the members that are ready, and where none is, the latest that any host came from. What this computer remembers says nothing: others restore too. */
export function restoredOn({ hosts }: Pick<ClusterFacts, 'hosts'>): string | undefined {
  const seen = [...hosts.values()].filter(reachable);
  const ready = seen.filter(({ etcd }) => etcd.ready);
  const [latest] = (ready.length > 0 ? ready : seen).flatMap(idsOf).toSorted().toReversed();
  return latest;
}

/** Nothing was replaced yet by any of these, a restore that was begun and the roll-back of it: what stands there is what there was. */
export function isUntouched({ hosts }: Pick<ClusterFacts, 'hosts'>, { disks }: Pick<Living, 'disks'>, ids: readonly (string | undefined)[]): boolean {
  const replaced = [...hosts.values()].some((found) => reachable(found) && idsOf(found).some((id) => ids.includes(id)));
  return !replaced && [...disks.values()].every(({ kept }) => kept === undefined);
}

function idsOf({ restored }: HostFacts): string[] {
  return restored === undefined ? [] : [restoreIdOf(restored)];
}
