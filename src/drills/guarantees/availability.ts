import type { DrillRecord, Lane, Request } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import type { LaneFigures } from '../report/drill-run.ts';
import { countOf } from '../report/figure-text.ts';
import { timeText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';

/**
 * What a lane felt, with times in milliseconds of the history's clock. The longest gap is from the window's beginning and to the first answer at its end or later.
 * Latency counts from when each request was due, so that waiting to be sent counts; of a watch lane, whose events count as acknowledged, from when the write
 * that the event tells of was due; NaN where there was none. Dead: nothing was acknowledged in the window's last 3 s or later.
 */
export interface MeasuredLane extends LaneFigures {
  /** When the first request was due that was not acknowledged. A conflict of a register lane is an answer and no failure. */
  readonly firstFailure: number | undefined;
  /** When the first answer came to a request that was due after that. */
  readonly firstSuccessAfter: number | undefined;
  /** Seconds, of those that the window is cut into, in which a request was due that failed. */
  readonly failedSeconds: number;
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** From the first request to the last, by when they were due; without any it ends before it begins. */
export function requestWindow(records: readonly DrillRecord[]): Window {
  const dues = records.flatMap((record) => (record.kind === 'request' ? [record.due] : []));
  return { from: dues.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY), to: dues.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) };
}

const deadAfter = 3000;
/** A watch sends nothing, so its client finds a connection that went with a host only by the sign of life that it asks for: client-go after 30 s of silence, then waiting 15 s. */
const watchPatience = { 'new': 0, 'reused': 45_000, 'reused, short': 2000 } as const;

/** C-avail: figures of a lane for the requests that were due in the window. */
export function measureLane(lane: Lane, records: readonly DrillRecord[], { from, to }: Window): MeasuredLane {
  if (lane.workload === 'watch') return measureWatch(lane, records, { from, to });
  const mine = records.filter((record) => record.kind === 'request').filter((request) => request.lane === lane.name && request.due >= from && request.due <= to);
  const acknowledged = mine.filter(({ outcome }) => outcome === 'acknowledged');
  const failed = mine.filter((request) => isFailure(request, lane));
  const firstFailure = failed.length > 0 ? failed.reduce((first, { due }) => Math.min(first, due), to) : undefined;
  const successes = firstFailure === undefined ? [] : acknowledged.filter(({ due }) => due > firstFailure);
  return {
    ...lane,
    requests: mine.length,
    acknowledged: acknowledged.length,
    refused: mine.filter(({ outcome }) => outcome === 'refused').length,
    unknown: mine.filter(({ outcome }) => outcome === 'unknown').length,
    longestGap: longestGap(answersOf(lane, records), { from, to }),
    dead: isDead(lane, records, { from, to }),
    firstFailure,
    firstSuccessAfter: successes.length > 0 ? successes.reduce((first, { ended }) => Math.min(first, ended), Number.POSITIVE_INFINITY) : undefined,
    failedSeconds: new Set(failed.map(({ due }) => Math.floor((due - from) / 1000))).size,
    ...percentiles(acknowledged.map(({ ended, due }) => ended - due)),
  };
}

const promise = 'No lane stays dead: once the cluster is healthy again, every way to the API gets answers again, connections that were open before included.';

/** C-avail's only promise: no lane is without an acknowledged answer in the last 3 s of a run that became healthy again, and no watch without an event for longer than its client needs. */
export const noDeadLane: Checker = ({ records }) => {
  const lanes = records.flatMap((record) => (record.kind === 'began' ? record.lanes : []));
  const window = requestWindow(records);
  const isEmpty = window.from > window.to;
  const dead = !isEmpty ? lanes.filter((lane) => isDead(lane, records, window)) : [];
  const found = `${countOf(lanes.length, 'lane')}, ${dead.length} dead at the end`;
  const lastMark = records.filter((record) => record.kind === 'mark').filter(({ what }) => what === 'fault begins' || what === 'healthy').reduce<{ at: number; what: string } | undefined>((last, mark) => (last && last.at > mark.at ? last : mark), undefined);
  const doubt =
    lanes.length === 0 || isEmpty ? 'no lane had requests'
    : window.to - window.from < deadAfter ? 'the run was shorter than 3 s'
    : lastMark?.what === 'fault begins' ? 'the cluster was not healthy again'
    : undefined;
  return giveVerdict({ guarantee: 'C-avail', promise, found, breaches: doubt === undefined ? dead.map((lane) => deadText(lane, records, window)) : [], doubt });
};

/** A conflict of a register lane is an answer like any other. */
export function isFailure({ outcome, status }: Request, { workload }: Lane): boolean {
  if (outcome === 'acknowledged') return false;
  return !(outcome === 'refused' && workload === 'register' && (status === 409 || status === 404));
}

function measureWatch(lane: Lane, records: readonly DrillRecord[], { from, to }: Window): MeasuredLane {
  const writes = new Map(records.flatMap((record) => (record.kind === 'request' && record.outcome === 'acknowledged' && record.operation !== 'get' && record.revision !== undefined ? [[record.revision, record.due]] : [])));
  const mine = records.filter((record) => record.kind === 'watched').filter(({ lane: name, type, at }) => name === lane.name && type !== 'BOOKMARK' && at >= from && at <= to);
  const latencies = mine.flatMap(({ revision, at }) => (writes.has(revision) ? [at - writes.get(revision)!] : []));
  return {
    ...lane,
    requests: mine.length,
    acknowledged: mine.length,
    refused: 0,
    unknown: 0,
    longestGap: longestGap(answersOf(lane, records), { from, to }),
    dead: isDead(lane, records, { from, to }),
    firstFailure: undefined,
    firstSuccessAfter: undefined,
    failedSeconds: 0,
    ...percentiles(latencies),
  };
}

/** When something came that shows that the lane lives. */
function answersOf(lane: Lane, records: readonly DrillRecord[]): number[] {
  return records.flatMap((record) => {
    if (lane.workload === 'watch') return record.kind === 'watched' && record.lane === lane.name && record.type !== 'BOOKMARK' ? [record.at] : [];
    return record.kind === 'request' && record.lane === lane.name && record.outcome === 'acknowledged' ? [record.ended] : [];
  });
}

function longestGap(answers: readonly number[], { from, to }: Window): number {
  const sorted = answers.filter((at) => at > from).sort((a, b) => a - b);
  // An answer after the last request was due ends the last gap: until then there was none.
  const end = sorted.find((at) => at >= to) ?? to;
  let longest = 0;
  let before = from;
  for (const at of [...sorted.filter((one) => one < to), end]) {
    longest = Math.max(longest, at - before);
    before = at;
  }
  return longest;
}

/** A watch that has nothing to tell is not dead. */
function isDead(lane: Lane, records: readonly DrillRecord[], { to }: Window): boolean {
  const lately = (at: number) => at >= to - deadAfter;
  const patience = deadAfter + (lane.workload === 'watch' ? watchPatience[lane.connection] : 0);
  if (answersOf(lane, records).some((at) => at >= to - patience)) return false;
  return lane.workload !== 'watch' || records.some((record) => record.kind === 'request' && record.outcome === 'acknowledged' && record.operation !== 'get' && lately(record.ended));
}

/** The smallest latency that at least this share of all has. */
function percentiles(latencies: readonly number[]): Pick<MeasuredLane, 'p50' | 'p99' | 'p999'> {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

function deadText(lane: Lane, records: readonly DrillRecord[], { to }: Window): string {
  const answers = answersOf(lane, records);
  const last = answers.reduce((latest, at) => Math.max(latest, at), Number.NEGATIVE_INFINITY);
  const when = answers.length > 0 ? `its last answer came at ${timeText(last)}` : 'it never had an answer';
  return `lane "${lane.name}" was dead at the end (${timeText(to)}): ${when}`;
}
