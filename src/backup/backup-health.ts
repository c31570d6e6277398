import { logRanges } from './change-log/coverage.ts';
import { divergence } from './compare-members.ts';
import { basesOf, newestBase, type Base } from './points.ts';
import type { Repository } from './repository.ts';
import { verdictsOf, type Verdict } from './verdicts.ts';

/** How old what is kept may be, in ms. */
export interface Limits {
  /** The newest revision, where there is a log. */
  readonly log: number;
  readonly base: number;
  /** The newest replay that held; undefined asks for none. */
  readonly rehearsed?: number | undefined;
}

/** What `backup check` wants: a follower ships every two seconds, and a base is taken once a day. */
export const usualLimits: Limits = { log: 60_000, base: 25 * 3_600_000 };

/** ms by which clocks may differ. */
const mostAhead = 60_000;

/** ms from a base's beginning until members must have been compared with it. */
const checked = 600_000;

/** What a follower knows when nothing is written: at that time (ms since the epoch) etcd had no revision that is not in the log, or in the base where no log has begun. */
export interface WholeLog {
  readonly timeline: string;
  readonly revision: number;
  readonly time: number;
}

export interface BackupHealth {
  /** The newest point that can be given back. */
  readonly newest: { readonly revision: number; readonly time: number } | undefined;
  readonly base: Base | undefined;
  /** When the newest replay began that held. */
  readonly rehearsed?: number | undefined;
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** What is wrong with the backups of a repository, by its chain alone and what its follower knows besides. A hole counts as long as the base right behind it is younger than `limits.base`. */
export function healthOf({ chain, whole }: Pick<Repository, 'chain'> & { readonly whole?: WholeLog | undefined }, now: number, limits: Limits): BackupHealth {
  const all = basesOf(chain);
  const bases = all.filter(({ diverged }) => !diverged);
  const last = bases.at(-1);
  const base = last && newestBase(chain, last.timeline);
  const diverged = all.filter((one) => one.number > (last?.number ?? 0)).map((one) => `base ${one.number} is not to be used: ${divergence(one)}`);
  if (!base) return { newest: undefined, base, problems: ['there is no base', ...diverged] };
  const logs = logRanges(chain);
  const ranges = logs.filter(({ timeline }) => timeline === base.timeline);
  const log = ranges.findLast((range) => range.kind === 'segment');
  const written = log && log.to > base.time ? { revision: log.last, time: log.to } : { revision: base.revision, time: base.time };
  const nothingMore = whole?.timeline === base.timeline && whole.revision === written.revision ? whole.time : 0;
  const newest = { ...written, time: Math.max(written.time, nothingMore) };
  const behind = (last: number) => bases.find(({ timeline, revision }) => timeline === base.timeline && revision >= last);
  const holes = ranges.filter(({ kind, last }) => kind === 'hole' && now - (behind(last)?.time ?? now) < limits.base);
  const verdicts = verdictsOf(chain);
  // After a restore: where there was never one, bases alone are what is wanted.
  const ended = log === undefined && logs.some(({ kind }) => kind === 'segment');
  const ahead = Math.max(base.time, newest.time) - now;
  return {
    newest,
    base,
    rehearsed: verdicts.findLast(({ outcome }) => outcome === 'held')?.time,
    problems: [
      // Until then it would look young.
      ...(ahead > mostAhead ? [`the newest of it is of ${age(ahead)} from now: the clock here, or that of who wrote it, is wrong`] : []),
      ...(log && now - newest.time > limits.log ? [`the log ends ${age(now - newest.time)} ago, at revision ${newest.revision}`] : []),
      ...(ended && now - newest.time > limits.log ? [`the log has not gone on since etcd's history began anew: base ${base.number}, ${age(now - base.time)} ago, is all of it`] : []),
      ...(now - base.time > limits.base ? [`the newest base is ${age(now - base.time)} old`] : []),
      ...(base.hashChecked || isAlone(base) || isBeingChecked(base, now) ? [] : [`base ${base.number} is not hash-checked`]),
      ...diverged,
      ...(base.quorum ? [] : [`base ${base.number} was taken without a quorum`]),
      ...rehearsalProblems(verdicts, now, limits.rehearsed),
      ...holes.map(({ first, last }) => `revisions ${first} to ${last} are lost`),
    ],
  };
}

/** No other member could have been asked. */
function isAlone({ member, hashes }: Base): boolean {
  return hashes.length === 1 && hashes[0]!.member === member && hashes[0]!.verdict === 'equal';
}

/** Members hash all that they have, which takes seconds. */
function isBeingChecked({ time, hashes }: Base, now: number): boolean {
  return hashes.length === 0 && now - time < checked;
}

/** A replay that found it broken counts until a later one held, whatever those between them could not tell. */
function rehearsalProblems(verdicts: readonly Verdict[], now: number, limit: number | undefined): readonly string[] {
  const [broken, held] = [verdicts.findLast(({ outcome }) => outcome === 'broken'), verdicts.findLast(({ outcome }) => outcome === 'held')];
  const late = limit !== undefined && (!held || now - held.time > limit);
  return [
    ...(broken && broken.number > (held?.number ?? 0) ? [`the replay of revision ${broken.revision}, ${age(now - broken.time)} ago, found it broken, and none has held since: ${broken.problems[0]}`] : []),
    ...(late ? [held ? `the last point that a replay held was looked at ${age(now - held.time)} ago` : 'no point was ever held by a replay'] : []),
  ];
}

/** "5 s", "3 min", "2 h", "4 d". */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [, size, unit] = ([[172_800, 86_400, 'd'], [7200, 3600, 'h'], [120, 60, 'min'], [0, 1, 's']] as const).find(([from]) => seconds >= from)!;
  return `${Math.floor(seconds / size)} ${unit}`;
}
