import { logOf, logRanges, type LogPart } from '../change-log/coverage.ts';
import { basesOf, goodBases, type Base } from '../points.ts';
import type { ReadEntry } from '../read-entry.ts';

/** What is kept: no base that has diverged, of others everything that one of the rules names, and never less than the newest base and the newest that was rehearsed. */
export interface RetentionPolicy {
  /** ms before the newest that there is for which every revision is kept: all bases, the log, and the base that it begins at. */
  readonly within: number;
  /** So many of the newest bases, and of the newest in each hour, day and ISO week (UTC) that has one. */
  readonly last: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  /** So many of the newest bases that were rehearsed. */
  readonly rehearsed: number;
}

export interface RetentionPlan {
  readonly bases: readonly PlannedBase[];
  /** The part of each timeline's log that goes. */
  readonly logs: readonly PlannedLog[];
}

export interface PlannedBase {
  readonly base: Base;
  /** Why it is kept, one word or a few each; none: it goes. */
  readonly keep: readonly string[];
}

export interface PlannedLog {
  readonly timeline: string;
  /** Revisions, both in it. */
  readonly first: number;
  readonly upTo: number;
}

/** Whether a base was rehearsed, by its number. */
export type Rehearsed = (number: number) => boolean;

/** ms that a base may seem to be of the future: clocks differ. */
const ahead = 600_000;

/**
 * Which bases and which part of the log go, at `now` (ms). Pure. Times are what writers say: neither a clock that is ahead, here or there, nor a writer that says what it likes makes others' bases go.
 * Bases of the future are kept and count for no rule; days are counted from the newest that there is, so that nothing goes where backups have stopped.
 */
export function planRetention(chain: { readonly entries: readonly ReadEntry[] }, policy: RetentionPolicy, now: number, rehearsed: Rehearsed): RetentionPlan {
  const bases = goodBases(chain);
  const [future, past] = [bases.filter(({ time }) => time > now + ahead), bases.filter(({ time }) => time <= now + ahead)];
  const since = newestTime(chain, past, now) - policy.within;
  const timelines = [...new Set(bases.map(({ timeline }) => timeline))].map((timeline) => timelineOf(chain, bases, timeline, since));
  const reasons = new Map<number, string[]>(bases.map(({ number }) => [number, []]));
  const keep = (base: Base | undefined, why: string) => void (base && reasons.get(base.number)!.push(why));
  for (const base of future) keep(base, 'from the future');
  const newest = past.toSorted((one, other) => other.time - one.time || other.number - one.number);
  keep(newest[0], 'newest');
  for (const base of bases) if (base.time > since && !future.includes(base)) keep(base, 'recent');
  for (const { begins } of timelines) keep(begins, 'the log begins here');
  for (const base of newest.slice(0, policy.last)) keep(base, 'last');
  for (const [unit, count] of [['hourly', policy.hourly], ['daily', policy.daily], ['weekly', policy.weekly]] as const) {
    for (const base of newestOfEach(newest, unit).slice(0, count)) keep(base, unit);
  }
  // Never less than one of which a replay has said that it holds.
  for (const base of newest.filter(({ number }) => rehearsed(number)).slice(0, Math.max(1, policy.rehearsed))) keep(base, 'rehearsed');
  return {
    bases: basesOf(chain).map((base) => ({ base, keep: reasons.get(base.number) ?? [] })),
    logs: timelines.flatMap((timeline) => goneLog(timeline, bases.some((base) => base.timeline === timeline.timeline && reasons.get(base.number)!.length > 0))),
  };
}

/** Of what is not of the future, as far as that can be told: at most `now`. */
function newestTime(chain: { readonly entries: readonly ReadEntry[] }, past: readonly Base[], now: number): number {
  const logs = logRanges(chain).flatMap((range) => (range.kind === 'segment' && range.to <= now + ahead ? [range.to] : []));
  return Math.min(now, Math.max(...past.map(({ time }) => time), ...logs));
}

interface Timeline {
  readonly timeline: string;
  readonly log: readonly LogPart[];
  /** Nothing of the log is as young as what is kept. */
  readonly stale: boolean;
  /** The base from which the log leads through all of it that is kept; undefined where none is as old. */
  readonly begins: Base | undefined;
}

function timelineOf(chain: { readonly entries: readonly ReadEntry[] }, bases: readonly Base[], timeline: string, since: number): Timeline {
  const log = logOf(chain, timeline);
  const last = log.findLast((part) => part.kind === 'segment');
  const stale = last?.kind !== 'segment' || last.to <= since;
  const older = stale ? [] : bases.filter((base) => base.timeline === timeline && base.time <= since);
  return { timeline, log, stale, begins: older.toSorted((one, other) => other.revision - one.revision)[0] };
}

function goneLog({ timeline, log, stale, begins }: Timeline, kept: boolean): readonly PlannedLog[] {
  const limit = stale ? Infinity : (begins?.revision ?? 0);
  // The last piece says where the log goes on, as long as there is a base that it goes on from.
  const gone = kept ? log.slice(0, -1).filter(({ last }) => last <= limit) : log;
  const [first, last] = [gone[0], gone.at(-1)];
  return first && last ? [{ timeline, first: first.first, upTo: last.last }] : [];
}

/** Newest first, as they come. */
function newestOfEach(newest: readonly Base[], unit: 'hourly' | 'daily' | 'weekly'): readonly Base[] {
  const seen = new Set<number>();
  return newest.filter(({ time }) => {
    // The epoch was a Thursday: weeks begin on Monday.
    const period = unit === 'hourly' ? Math.floor(time / 3_600_000) : unit === 'daily' ? Math.floor(time / 86_400_000) : Math.floor((time / 86_400_000 + 3) / 7);
    return seen.size < seen.add(period).size;
  });
}
