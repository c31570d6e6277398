import { calm, type DrillRecord, type Mark, type Sample } from '../history/record.ts';

/** Who had the VIP. Milliseconds. */
export interface VipFigures {
  readonly none: number;
  readonly one: number;
  /** Two or more hosts. */
  readonly several: number;
  /** A host was not sampled for more than a second, or could not be asked for what it saw, so that it may have had the VIP too. */
  readonly unseen: number;
  readonly moves: number;
  /** Moves while nothing was broken. */
  readonly flaps: readonly Move[];
  readonly doubles: readonly { readonly from: number; readonly to: number; readonly hosts: readonly string[] }[];
}

interface Move {
  readonly from: string;
  readonly to: string;
  /** When the old holder was last seen alone with it, when the new one was first. */
  readonly lost: number;
  readonly gained: number;
}

type VipSample = Sample & { readonly holdsVip: boolean };

/** A host between two samples, or one sample and the middle to the next. */
interface Segment {
  readonly host: string;
  readonly from: number;
  readonly to: number;
  readonly holds: boolean | undefined;
}

/** Hosts that have the VIP in one piece of time, in which nothing changes. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly holders: readonly string[];
  readonly unseen: boolean;
}

const hole = 1000;

/**
 * Between two samples that differ, the change is taken to be in the middle. Since hosts are not sampled at one time, that alone may make a move look as if both
 * had had the VIP, or none: two holders count only where a sample of one lies between two of the other that say so.
 */
export function measureVip(records: readonly DrillRecord[]): VipFigures {
  const samples = records.filter((record): record is VipSample => record.kind === 'sample' && record.holdsVip !== undefined);
  const start = samples.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
  const end = samples.reduce((last, { at }) => Math.max(last, at), Number.NEGATIVE_INFINITY);
  const byHost = [...Map.groupBy(samples, ({ host }) => host).values()].map((mine) => mine.sort((a, b) => a.at - b.at));
  const blind = records.filter((record) => record.kind === 'look').filter(({ about }) => about === 'VIP').map(({ place: host }): Segment => ({ host, from: start, to: end, holds: undefined }));
  const pieces = piecesOf([...byHost.flatMap((mine) => segmentsOf(mine, start, end)), ...(end > start ? blind : [])]);
  const doubles = doublesOf(pieces, proofsOf(byHost));
  const length = (chosen: readonly Pick<Piece, 'from' | 'to'>[]) => chosen.reduce((sum, { from, to }) => sum + (to - from), 0);
  const several = length(doubles);
  const unseen = length(pieces.filter((piece) => piece.unseen && piece.holders.length < 2));
  const none = length(pieces.filter((piece) => !piece.unseen && piece.holders.length === 0));
  const moves = movesOf(pieces);
  const faults = faultWindows(records.filter((record) => record.kind === 'mark'));
  return {
    none,
    one: length(pieces) - several - unseen - none,
    several,
    unseen,
    moves: moves.length,
    flaps: moves.filter(({ lost, gained }) => !faults.some(({ from, to }) => lost <= to && gained >= from)),
    doubles,
  };
}

function segmentsOf(samples: readonly VipSample[], start: number, end: number): Segment[] {
  const { host } = samples[0]!;
  const span = (from: number, to: number, holds: boolean | undefined): Segment => ({ host, from, to, holds });
  const edge = (from: number, to: number, holds: boolean) => span(from, to, to - from > hole ? undefined : holds);
  const between = samples.slice(1).flatMap((after, position) => {
    const before = samples[position]!;
    const middle = (before.at + after.at) / 2;
    if (after.at - before.at > hole) return [span(before.at, after.at, undefined)];
    return [span(before.at, middle, before.holdsVip), span(middle, after.at, after.holdsVip)];
  });
  return [edge(start, samples[0]!.at, samples[0]!.holdsVip), ...between, edge(samples.at(-1)!.at, end, samples.at(-1)!.holdsVip)].filter(({ from, to }) => to > from);
}

function piecesOf(segments: readonly Segment[]): Piece[] {
  const byStart = segments.toSorted((a, b) => a.from - b.from);
  const times = [...new Set(segments.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  const now = new Map<string, boolean | undefined>();
  let position = 0;
  return times.slice(1).map((to, index) => {
    const from = times[index]!;
    for (; position < byStart.length && byStart[position]!.from <= from; position++) now.set(byStart[position]!.host, byStart[position]!.holds);
    const holders = [...now].flatMap(([host, holds]) => (holds ? [host] : [])).sort();
    return { from, to, holders, unseen: [...now.values()].includes(undefined) };
  });
}

/** Times at which two hosts surely had the VIP, in order. */
function proofsOf(byHost: readonly (readonly VipSample[])[]): number[] {
  const sure = byHost.map((samples) => samples.flatMap(({ holdsVip, at }, position) => {
    const after = samples[position + 1];
    if (!holdsVip) return [];
    return [{ from: at, to: after?.holdsVip && after.at - at <= hole ? after.at : at }];
  }));
  const proofs = byHost.flatMap((samples, mine) => {
    const positions = sure.map(() => 0);
    return samples.filter(({ holdsVip, at }) => holdsVip && sure.some((spans, other) => {
      if (other === mine) return false;
      while (positions[other]! < spans.length && spans[positions[other]!]!.to < at) positions[other]!++;
      const span = spans[positions[other]!];
      return span !== undefined && span.from <= at;
    }));
  });
  return proofs.map(({ at }) => at).sort((a, b) => a - b);
}

function doublesOf(pieces: readonly Piece[], proofs: readonly number[]): VipFigures['doubles'] {
  const spans: { from: number; to: number; hosts: readonly string[] }[] = [];
  for (const { from, to, holders } of pieces) {
    if (holders.length < 2) continue;
    const last = spans.at(-1);
    if (last?.to === from) spans[spans.length - 1] = { from: last.from, to, hosts: [...new Set([...last.hosts, ...holders])] };
    else spans.push({ from, to, hosts: holders });
  }
  return spans.filter(({ from, to }) => proofs.some((at) => at >= from && at <= to));
}

function movesOf(pieces: readonly Piece[]): Move[] {
  const moves: Move[] = [];
  let last: { readonly host: string; readonly until: number } | undefined;
  for (const { from, to, holders } of pieces) {
    const [host] = holders;
    if (host === undefined || holders.length > 1) continue;
    if (last && last.host !== host) moves.push({ from: last.host, to: host, lost: last.until, gained: from });
    last = { host, until: to };
  }
  return moves;
}

/** From each fault's beginning until the cluster was healthy again, or for ever. Where nothing was broken there is none. */
function faultWindows(marks: readonly Mark[]): { readonly from: number; readonly to: number }[] {
  return marks.filter(({ what, about }) => what === 'fault begins' && about !== calm).map(({ at }) => ({
    from: at,
    to: marks.filter((mark) => mark.what === 'healthy' && mark.at >= at).reduce((first, mark) => Math.min(first, mark.at), Number.POSITIVE_INFINITY),
  }));
}
