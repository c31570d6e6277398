/** Revisions without a gap, both ends included. */
export interface RevisionRange {
  readonly first: number;
  readonly last: number;
}

/** A search for the first bad one of candidates in a row, by their index. -1 is good, and the last one is bad. */
export interface Search {
  /** The last one that is known to be good. */
  readonly good: number;
  /** The first one that is known to be bad. */
  readonly bad: number;
  /** Those between that cannot be judged. */
  readonly skipped: ReadonlySet<number>;
}

/** So many are tried that cannot be judged. */
const mostSkipped = 30;

/** Which one to judge next: the one in the middle, or beside it what can be judged, farther and farther away. Undefined where it is found, or none is left. */
export function nextToJudge({ good, bad, skipped }: Search): number | undefined {
  const middle = Math.floor((good + bad) / 2);
  if (skipped.size >= mostSkipped) return undefined;
  const open = (index: number) => index > good && index < bad && !skipped.has(index);
  if (open(middle)) return middle;
  for (let distance = 1; distance < bad - good; distance *= 2) {
    const found = [middle + distance, middle - distance].find(open);
    if (found !== undefined) return found;
  }
  for (let index = good + 1; index < bad; index++) if (open(index)) return index;
  return undefined;
}

export type Judgement = 'good' | 'bad' | 'skip';

export function judged(search: Search, index: number, judgement: Judgement): Search {
  if (judgement === 'skip') return { ...search, skipped: new Set([...search.skipped, index]) };
  const [good, bad] = judgement === 'good' ? [index, search.bad] : [search.good, index];
  return { good, bad, skipped: new Set([...search.skipped].filter((one) => one > good && one < bad)) };
}

export function countOf(ranges: readonly RevisionRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Those after a revision, up to another. */
export function clipped(ranges: readonly RevisionRange[], after: number, upTo: number): readonly RevisionRange[] {
  return ranges.map(({ first, last }) => ({ first: Math.max(first, after + 1), last: Math.min(last, upTo) })).filter(({ first, last }) => first <= last);
}

/** The revision at an index of ranges in order, -1 being the last; undefined where there is none. */
export function revisionAt(ranges: readonly RevisionRange[], index: number): number | undefined {
  if (index === -1) return ranges.at(-1)?.last;
  let left = index;
  for (const { first, last } of ranges) {
    if (first + left <= last) return first + left;
    left -= last - first + 1;
  }
  return undefined;
}
