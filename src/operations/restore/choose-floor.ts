/** A revision, and who knows of it. */
export interface SeenRevision {
  readonly revision: number;
  readonly where: string;
}

/**
 * Between the highest revision that was seen anywhere and the first of the restored etcd: what clients may have seen meanwhile, on a member that did not answer, or before the clients are cut off. A week of
 * 1,600 writes a second.
 */
const margin = 1_000_000_000;

export interface Floor {
  /** The first revision of the restored etcd. */
  readonly floor: number;
  /** The highest that was seen. */
  readonly highest: SeenRevision;
}

/** Where revisions of a restored etcd begin, so that no client sees one decrease. `seen` has the point itself at least. */
export function chooseFloor(seen: readonly [SeenRevision, ...SeenRevision[]]): Floor {
  const highest = seen.reduce((best, one) => (one.revision > best.revision ? one : best));
  return { floor: highest.revision + margin, highest };
}
