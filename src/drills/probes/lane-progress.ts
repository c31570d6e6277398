import type { DrillRecord, Lane } from '../history/record.ts';

/** What a lane felt so far, to show while a drill runs; the checkers judge the whole history afterwards. */
export interface LaneProgress {
  readonly lane: string;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  /** Events of a watch, and how often it ended without being asked to. */
  readonly events: number;
  readonly cuts: number;
  /** The longest time without an acknowledged answer, the time since the last one included: milliseconds. */
  readonly longestGap: number;
}

type Counts = { -readonly [Key in keyof LaneProgress]: LaneProgress[Key] } & { last: number | undefined };

export interface LaneFollower {
  add(record: DrillRecord): void;
  at(now: number): readonly LaneProgress[];
}

export function followLanes(lanes: readonly Lane[]): LaneFollower {
  const counts = new Map(lanes.map(({ name }): [string, Counts] => [name, { lane: name, acknowledged: 0, refused: 0, unknown: 0, events: 0, cuts: 0, longestGap: 0, last: undefined }]));
  return {
    add(record) {
      const mine = 'lane' in record && counts.get(record.lane);
      if (!mine) return;
      if (record.kind === 'watched') mine.events++;
      if (record.kind === 'watch ended' && record.why !== 'asked') mine.cuts++;
      if (record.kind === 'request') {
        mine[record.outcome]++;
        if (record.outcome === 'acknowledged') {
          mine.longestGap = Math.max(mine.longestGap, record.ended - (mine.last ?? record.due));
          mine.last = Math.max(mine.last ?? 0, record.ended);
        }
      }
    },
    at: (now) => [...counts.values()].map(({ last, ...mine }) => ({ ...mine, longestGap: Math.max(mine.longestGap, last === undefined ? 0 : now - last) })),
  };
}
