/** One write of a lane, as its client saw it. Times in milliseconds of a clock that never jumps. */
export interface Write {
  readonly lane: string;
  /** Name of the object that was created; unique. */
  readonly object: string;
  /** When it was due: fixed beforehand, whatever happened to the writes before it. */
  readonly due: number;
  /** When the answer came, or the client gave up. */
  readonly ended: number;
  /** `acknowledged`: must exist. `refused`: must not. `unknown`: may or may not (no answer, connection cut, 5xx). */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
}

export interface LaneSummary {
  readonly lane: string;
  readonly writes: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  /** Longest time between two acknowledged writes, or from the last one to the end of the run: milliseconds. */
  readonly longestGap: number;
  /** Nothing was acknowledged in the last `deadAfter` milliseconds of the run. */
  readonly dead: boolean;
}

/** What a lane felt between `from` and `to`. A lane without two acknowledged writes has a gap as long as the run. */
export function summarizeLane(lane: string, writes: readonly Write[], { from, to, deadAfter }: { from: number; to: number; deadAfter: number }): LaneSummary {
  const mine = writes.filter((write) => write.lane === lane);
  const times = mine.filter(({ outcome }) => outcome === 'acknowledged').map(({ ended }) => ended).sort((a, b) => a - b);
  const marks = [from, ...times, to];
  const count = (outcome: Write['outcome']) => mine.filter((write) => write.outcome === outcome).length;
  return {
    lane,
    writes: mine.length,
    acknowledged: times.length,
    unknown: count('unknown'),
    refused: count('refused'),
    longestGap: Math.max(...marks.slice(1).map((time, position) => time - marks[position]!)),
    dead: (times.at(-1) ?? from) < to - deadAfter,
  };
}

/** Acknowledged writes whose object is not there: each breaks the promise that no acknowledged write is lost. */
export function lostWrites(writes: readonly Write[], found: Pick<ReadonlySet<string>, 'has'>): Write[] {
  return writes.filter(({ outcome, object }) => outcome === 'acknowledged' && !found.has(object));
}
