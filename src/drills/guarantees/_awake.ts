import type { DrillRecord, Request } from '../history/record.ts';
import type { Window } from './availability.ts';

/** Milliseconds without sending after which a prober is said to have stood still. */
const longestSilence = 500;

export interface Awake {
  /** The requests, with times from which those are taken out in which the prober stood still. */
  readonly records: readonly DrillRecord[];
  /** Milliseconds that were taken out. */
  readonly stalled: number;
}

/**
 * What a prober felt while it had a processor. It sends on whether it is answered or not, so where it sends nothing at all though something is due it stands still itself, and cannot tell what answered meanwhile. A register
 * lane, which waits for its answers, says nothing of that.
 */
export function whileAwake(records: readonly DrillRecord[]): Awake {
  const waiting = new Set(records.flatMap((record) => (record.kind === 'began' ? record.lanes.filter(({ workload }) => workload === 'register').map(({ name }) => name) : [])));
  const sent = records.filter((record) => record.kind === 'request').filter(({ lane }) => !waiting.has(lane)).toSorted((a, b) => a.sent - b.sent);
  const stalls = sent.slice(1).flatMap((next, before) => stallBefore(next, sent[before]!));
  const awake = (at: number) => at - stalls.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(at, to) - from), 0);
  return {
    records: records.map((record) => (record.kind === 'request' ? { ...record, due: awake(record.due), sent: awake(record.sent), ended: awake(record.ended) } : record)),
    stalled: stalls.reduce((sum, { from, to }) => sum + to - from, 0),
  };
}

function stallBefore({ due, sent }: Request, before: Request): Window[] {
  const from = Math.max(due, before.sent);
  return sent - from > longestSilence ? [{ from, to: sent }] : [];
}
