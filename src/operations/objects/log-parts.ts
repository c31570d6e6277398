import { isDamage } from '../../backup/base-values.ts';
import { logOf, type HolePart, type SegmentPart } from '../../backup/change-log/coverage.ts';
import type { SegmentRows } from '../../backup/change-log/segment-index.ts';
import type { Repository } from '../../backup/repository.ts';
import type { Operation } from '../operation.ts';

/** What changed in these revisions is not known. */
export interface LogGap extends Pick<HolePart, 'first' | 'last' | 'why'> {
  readonly kind: 'gap';
}

export interface LogRange {
  readonly timeline: string;
  /** Revisions after this one, up to that one. */
  readonly after: number;
  readonly upTo: number;
}

/** So many indexes, and so many segments, are fetched while what came before is worked on: a store may need a while for each. Segments are large. */
export const fetchedAhead = { indexes: 16, segments: 3 };

/** What the log has of revisions, in their order, and between it what is lost. */
export function logParts({ chain }: Pick<Repository, 'chain'>, { timeline, after, upTo }: LogRange): readonly (SegmentPart | LogGap)[] {
  if (upTo <= after) return [];
  const parts: (SegmentPart | LogGap)[] = [];
  let end = after;
  const unwritten = (next: number) => {
    if (next > end + 1) parts.push({ kind: 'gap', first: end + 1, last: next - 1, why: 'nobody wrote the log then' });
  };
  for (const part of logOf(chain, timeline)) {
    if (part.last <= after || part.first > upTo) continue;
    unwritten(part.first);
    const [first, last] = [Math.max(part.first, after + 1), Math.min(part.last, upTo)];
    parts.push(part.kind === 'segment' ? part : { kind: 'gap', first, last, why: part.why });
    end = last;
  }
  unwritten(upTo + 1);
  return parts;
}

/** Gives `take` what the key index of a segment says of the revisions of a range. False where there is none that can be used: the segment has to be read. */
export async function readRows({ progress }: Pick<Operation, 'progress'>, rows: SegmentRows, { index, first, last }: SegmentPart, { after, upTo }: Pick<LogRange, 'after' | 'upTo'>, take: (key: string, revision: number) => void): Promise<boolean> {
  if (index === undefined) return false;
  try {
    await rows(index, (key, revision) => void (revision > after && revision <= upTo && take(key, revision)));
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    progress({ type: 'note', title: `the key index of revisions ${first} to ${last} cannot be used, so they are all read: ${error.message}`, step: 'objects/index' });
    return false;
  }
}
