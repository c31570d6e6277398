import { z } from 'zod';
import type { Chain, ReadEntry } from '../chain.ts';
import { entryName } from '../format/chain-entry.ts';
import { damaged } from '../format/encrypted-object.ts';

/** What the chain says of a piece of the log. Its records are in the entry too, as an encrypted object that the chain does not keep in memory. */
const segmentSchema = z.object({
  timeline: z.string(),
  /** Revisions, both in it. */
  first: z.number(),
  last: z.number(),
  /** Unix time in ms of the first and the last record. */
  from: z.number(),
  to: z.number(),
  /** The member that was watched. */
  member: z.string(),
  capture: z.string(),
  /** `fingerprintOf` the last record: a capturer that goes on looks whether etcd still says the same of that revision. */
  fingerprint: z.string(),
});
const holeSchema = z.object({ timeline: z.string(), first: z.number(), last: z.number(), why: z.string() });

export type SegmentBody = z.output<typeof segmentSchema>;
export type HoleBody = z.output<typeof holeSchema>;

/** A piece of a timeline's log. */
export type LogPart = SegmentPart | HolePart;

export interface SegmentPart extends SegmentBody {
  readonly kind: 'segment';
  /** Of its entry in the chain. */
  readonly number: number;
}

export interface HolePart extends HoleBody {
  readonly kind: 'hole';
  readonly number: number;
}

/** Segments and holes of a timeline in order: each begins after the one before. Throws `repository-damaged` where one does not. */
export function logOf({ entries }: Pick<Chain, 'entries'>, timeline: string): readonly LogPart[] {
  const parts = entries.flatMap((entry) => {
    const part = partOf(entry);
    return part?.timeline === timeline ? [part] : [];
  });
  for (const [index, { number, first, last }] of parts.entries()) {
    const before = parts[index - 1];
    if ((before && first !== before.last + 1) || last < first) throw damaged(entryName(number), `revisions ${first} to ${last} do not follow on ${before ? before.last : 'each other'}`);
  }
  return parts;
}

/** The log of all timelines, pieces that follow on each other as one. */
export function logRanges(chain: Pick<Chain, 'entries'>): readonly LogPart[] {
  const timelines = new Set(chain.entries.flatMap((entry) => partOf(entry)?.timeline ?? []));
  return [...timelines].flatMap((timeline) => {
    const ranges: LogPart[] = [];
    for (const part of logOf(chain, timeline)) {
      const before = ranges.at(-1);
      if (part.kind === 'segment' && before?.kind === 'segment') ranges[ranges.length - 1] = { ...part, first: before.first, from: before.from };
      else ranges.push(part);
    }
    return ranges;
  });
}

/** The last piece of the log of a timeline; undefined where it has not begun. */
export function lastPart(entries: readonly ReadEntry[], timeline: string): LogPart | undefined {
  const newest = entries.findLast((entry) => partOf(entry)?.timeline === timeline);
  return newest && partOf(newest);
}

/** The last revision that the log of a timeline says something about. */
export function logEnd(entries: readonly ReadEntry[], timeline: string): number | undefined {
  return lastPart(entries, timeline)?.last;
}

function partOf({ kind, number, body }: ReadEntry): LogPart | undefined {
  if (kind !== 'segment' && kind !== 'hole') return undefined;
  const read = kind === 'segment' ? segmentSchema.safeParse(body) : holeSchema.safeParse(body);
  if (!read.success) throw damaged(entryName(number), `it is no ${kind} that this release understands`);
  return { kind, number, ...read.data } as LogPart;
}
