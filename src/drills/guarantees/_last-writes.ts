import type { Request } from '../history/record.ts';

/**
 * Of acknowledged writes about one object, those that may have been the last: no other one was surely after them. One where revisions tell the order; more
 * where requests without a revision (the API answers a deletion without one) overlapped. The latest answered is the last of the list.
 */
export function lastWrites(acknowledged: readonly Request[]): Request[] {
  const ranked = acknowledged.filter(({ revision }) => revision !== undefined);
  const newest = ranked.reduce<Request | undefined>((best, one) => (!best || one.revision! > best.revision! || (one.revision === best.revision && one.operation === 'delete') ? one : best), undefined);
  const others = latest(acknowledged.filter(({ revision }) => revision === undefined));
  const candidates = newest ? [newest, ...others] : others;
  return candidates.filter((one) => !candidates.some((other) => other !== one && isAfter(other, one))).sort((a, b) => a.ended - b.ended);
}

/** Those that were answered after the last of them was sent, so that any of them may have been the last. */
function latest(writes: readonly Request[]): Request[] {
  const lastSent = writes.reduce((time, { sent }) => Math.max(time, sent), Number.NEGATIVE_INFINITY);
  return writes.filter(({ ended }) => ended >= lastSent);
}

/** `b` happened after `a` for sure. */
function isAfter(b: Request, a: Request): boolean {
  if (b.expected !== undefined && a.revision !== undefined && b.revision === undefined) return b.expected >= a.revision;
  if (a.expected !== undefined && b.revision !== undefined && a.revision === undefined) return b.revision > a.expected;
  return a.ended < b.sent;
}
