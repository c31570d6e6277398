import { logOf } from '../../backup/change-log/coverage.ts';
import { goodBases, type Base, type Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { clipped, type RevisionRange } from './bisect-search.ts';

export interface Between {
  readonly timeline: string;
  /** Revisions after this one, up to that one. */
  readonly after: number;
  readonly upTo: number;
}

/** The revisions that the repository can give back, in order: those of bases, and those to which the log leads from one without a gap. */
export function writableRevisions(chain: Repository['chain'], { timeline, after, upTo }: Between): readonly RevisionRange[] {
  const runs: RevisionRange[] = [];
  for (const { kind, first, last } of logOf(chain, timeline)) {
    if (kind === 'hole') continue;
    if (runs.at(-1)?.last === first - 1) runs[runs.length - 1] = { first: runs.at(-1)!.first, last };
    else runs.push({ first, last });
  }
  const bases = goodBases(chain).flatMap((base) => (base.timeline === timeline ? [base.revision] : []));
  const led = runs.flatMap(({ first, last }) => bases.filter((revision) => revision >= first - 1 && revision <= last).sort((one, other) => one - other).slice(0, 1).map((revision) => ({ first: revision, last })));
  return clipped(joined([...led, ...bases.map((revision) => ({ first: revision, last: revision }))]), after, upTo);
}

/** The point of a revision that can be given back; its time is that of its base. */
export function pointAt(chain: Repository['chain'], timeline: string, revision: number): Point {
  const bases = goodBases(chain).filter((base) => base.timeline === timeline && base.revision <= revision);
  const base = bases.reduce((best: Base, one) => (one.revision > best.revision ? one : best));
  return { base, revision, time: base.time };
}

function joined(ranges: readonly RevisionRange[]): readonly RevisionRange[] {
  const found: RevisionRange[] = [];
  for (const { first, last } of ranges.toSorted((one, other) => one.first - other.first || other.last - one.last)) {
    const before = found.at(-1);
    if (!before || first > before.last + 1) found.push({ first, last });
    else found[found.length - 1] = { first: before.first, last: Math.max(before.last, last) };
  }
  return found;
}
