import { logRanges } from './change-log/coverage.ts';
import { basesOf, type Base } from './points.ts';
import type { Repository } from './repository.ts';

/** How old what is kept may be, in ms. */
export interface Limits {
  /** The newest revision, where there is a log. */
  readonly log: number;
  readonly base: number;
}

/** What `backup check` wants: a follower ships every two seconds, and a base is taken once a day. */
export const usualLimits: Limits = { log: 60_000, base: 25 * 3_600_000 };

export interface BackupHealth {
  /** The newest point that can be given back. */
  readonly newest: { readonly revision: number; readonly time: number } | undefined;
  readonly base: Base | undefined;
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** What is wrong with the backups of a repository, by its chain alone. A hole counts as long as the base right behind it is younger than `limits.base`. */
export function healthOf({ chain }: Pick<Repository, 'chain'>, now: number, limits: Limits): BackupHealth {
  const bases = basesOf(chain);
  const base = bases.at(-1);
  if (!base) return { newest: undefined, base, problems: ['there is no base'] };
  const ranges = logRanges(chain).filter(({ timeline }) => timeline === base.timeline);
  const log = ranges.findLast((range) => range.kind === 'segment');
  const newest = log && log.to > base.time ? { revision: log.last, time: log.to } : { revision: base.revision, time: base.time };
  const behind = (last: number) => bases.find(({ timeline, revision }) => timeline === base.timeline && revision >= last);
  const holes = ranges.filter(({ kind, last }) => kind === 'hole' && now - (behind(last)?.time ?? now) < limits.base);
  return {
    newest,
    base,
    problems: [
      ...(log && now - newest.time > limits.log ? [`the log ends ${age(now - newest.time)} ago, at revision ${newest.revision}`] : []),
      ...(now - base.time > limits.base ? [`the newest base is ${age(now - base.time)} old`] : []),
      ...(base.hashChecked ? [] : [`base ${base.number} is not hash-checked`]),
      ...(base.quorum ? [] : [`base ${base.number} was taken without a quorum`]),
      ...holes.map(({ first, last }) => `revisions ${first} to ${last} are lost`),
    ],
  };
}

/** "5 s", "3 min", "2 h", "4 d". */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [, size, unit] = ([[172_800, 86_400, 'd'], [7200, 3600, 'h'], [120, 60, 'min'], [0, 1, 's']] as const).find(([from]) => seconds >= from)!;
  return `${Math.floor(seconds / size)} ${unit}`;
}
