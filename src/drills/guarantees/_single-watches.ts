import type { DrillRecord, WatchEnded, Watched } from '../history/record.ts';

/** One watch from its start to its end. */
export interface Watch {
  readonly lane: string;
  readonly from: number;
  /** Events and bookmarks as they came. */
  readonly told: readonly Watched[];
  /** The greatest revision that it told, or its start. */
  readonly reached: number;
  /** Why it ended; undefined where the history ends before it. */
  readonly why: string | undefined;
}

/** The watches of all lanes, those of one lane in their order. */
export function watchesOf(records: readonly DrillRecord[]): Watch[] {
  const about = records.filter((record) => record.kind === 'watched' || record.kind === 'watch ended');
  return [...Map.groupBy(about, ({ lane }) => lane)].flatMap(([lane, mine]) => watchesOfLane(lane, mine.sort(inOrder)));
}

/** Where a lane's watch began at a later revision than those before it had come to: what happened between is told by none. */
export function gapsOf(watches: readonly Watch[]): { readonly lane: string; readonly after410: boolean }[] {
  return [...Map.groupBy(watches, ({ lane }) => lane)].flatMap(([lane, mine]) => {
    let reached = mine[0]!.reached;
    return mine.slice(1).flatMap((watch, position) => {
      const gap = watch.from > reached;
      reached = Math.max(reached, watch.reached);
      return gap ? [{ lane, after410: mine[position]!.why === '410' }] : [];
    });
  });
}

/** What came at the same instant is taken in the order that is right, since the history's own order tells nothing. */
function inOrder(a: Watched | WatchEnded, b: Watched | WatchEnded): number {
  return a.at - b.at || place(a) - place(b) || Number(a.kind === 'watched' && a.type === 'BOOKMARK') - Number(b.kind === 'watched' && b.type === 'BOOKMARK');
}

function place(record: Watched | WatchEnded): number {
  return record.kind === 'watched' ? record.revision : Number.POSITIVE_INFINITY;
}

function watchesOfLane(lane: string, records: readonly (Watched | WatchEnded)[]): Watch[] {
  const watches: Watch[] = [];
  const open = new Map<number, Watched[]>();
  const close = (from: number, why: string | undefined) => {
    const told = open.get(from) ?? [];
    open.delete(from);
    watches.push({ lane, from, told, reached: told.reduce((greatest, { revision }) => Math.max(greatest, revision), from), why });
  };
  for (const record of records) {
    if (record.kind === 'watch ended') close(record.from, record.why);
    else if (open.has(record.from)) open.get(record.from)!.push(record);
    else open.set(record.from, [record]);
  }
  for (const from of open.keys()) close(from, undefined);
  return watches;
}
