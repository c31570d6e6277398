import type { LogPart } from './change-log/coverage.ts';
import type { Base } from './points.ts';

/** What a timeline has: bases, and the log where it is in order. */
export interface Timeline {
  readonly bases: readonly Base[];
  readonly log: readonly LogPart[];
}

/** "base 5", "base 5 and revisions 121 to 180 after it": the points that are replayed from a base, since no later one is nearer. */
export function pointsFrom(timeline: Timeline, { number, revision }: Base): string {
  const last = lastBehind(timeline, revision + 1);
  return `base ${number}${last > revision ? ` and revisions ${revision + 1} to ${last} after it` : ''}`;
}

/** "revisions 121 to 180": the points that cannot be replayed without the piece of the log that begins there. */
export function pointsBehind(timeline: Timeline, { first }: Pick<LogPart, 'first'>): string {
  return `revisions ${first} to ${lastBehind(timeline, first)}`;
}

/** The last of the revisions that follow on one without a hole, and are nearer to no later base. */
function lastBehind({ bases, log }: Timeline, first: number): number {
  const parts = log.filter(({ last }) => last >= first);
  if (!parts[0] || parts[0].first > first) return first - 1;
  const hole = parts.findIndex(({ kind }) => kind === 'hole');
  const end = (hole < 0 ? parts : parts.slice(0, hole)).at(-1)?.last ?? first - 1;
  return Math.min(end, ...bases.filter(({ revision }) => revision >= first).map(({ revision }) => revision - 1));
}
