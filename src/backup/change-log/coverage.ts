import { z } from 'zod';
import { entryName } from '../format/chain-entry.ts';
import { damaged } from '../format/encrypted-object.ts';
import type { ReadEntry } from '../read-entry.ts';

/** What members said to HashKV at a revision that the log has: what is replayed later must have the same. */
const stateHashesSchema = z.object({ revision: z.number(), members: z.array(z.object({ member: z.string(), hash: z.number(), compactRevision: z.number() })) });

/** What the chain says of a piece of the log. Its records are in the entry too, as an encrypted object that the chain does not keep in memory, until they are merged. */
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
  /** Hash of the object that has its records, where it was merged. */
  object: z.string().optional(),
  /** Hash of the object that says which keys they change: of merged ones, but of those of older releases. */
  index: z.string().optional(),
  /** Now and then; of a revision at or before the last of this piece. */
  hashes: stateHashesSchema.optional(),
});
const holeSchema = z.object({ timeline: z.string(), first: z.number(), last: z.number(), why: z.string() });

export type StateHashes = z.output<typeof stateHashesSchema>;
export type SegmentBody = z.output<typeof segmentSchema>;
export type HoleBody = z.output<typeof holeSchema>;

/** A piece of a timeline's log. */
export type LogPart = SegmentPart | HolePart;

export interface SegmentPart extends SegmentBody {
  readonly kind: 'segment';
  /** Of its entry in the chain; of the last one that it was merged from. */
  readonly number: number;
}

export interface HolePart extends HoleBody {
  readonly kind: 'hole';
  readonly number: number;
}

interface Entries {
  readonly entries: readonly ReadEntry[];
}

/** Segments and holes of a timeline in order: each begins after the one before. Throws `repository-damaged` where one does not. */
export function logOf({ entries }: Entries, timeline: string): readonly LogPart[] {
  const parts = partsOf(entries).filter((part) => part.timeline === timeline);
  for (const [index, { number, first, last }] of parts.entries()) {
    const before = parts[index - 1];
    if ((before && first !== before.last + 1) || last < first) throw damaged(entryName(number), `revisions ${first} to ${last} do not follow on ${before ? before.last : 'each other'}`);
  }
  return parts;
}

/** The log of all timelines, pieces that follow on each other as one. */
export function logRanges(chain: Entries): readonly LogPart[] {
  return timelinesOf(chain.entries).flatMap((timeline) => {
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
  const newest = entries.findLast((entry) => logPartOf(entry)?.timeline === timeline);
  return newest && logPartOf(newest);
}

/** The last revision that the log of a timeline says something about. */
export function logEnd(entries: readonly ReadEntry[], timeline: string): number | undefined {
  return lastPart(entries, timeline)?.last;
}

/** The pieces of the log of a timeline that have a revision or a later one, in order. */
export function piecesFrom(entries: readonly ReadEntry[], timeline: string, revision: number): readonly LogPart[] {
  const pieces: LogPart[] = [];
  for (let index = entries.length - 1; index >= 0; index--) {
    const part = logPartOf(entries[index]!);
    if (part?.timeline !== timeline) continue;
    if (part.last < revision) break;
    pieces.unshift(part);
  }
  return pieces;
}

/** Whether both have the same log, however it is cut: every piece of `after` ends where one of `before` does, with the same last revision. */
export function isSameLog(before: readonly ReadEntry[], after: readonly ReadEntry[]): boolean {
  const endings = new Map(partsOf(before).map((part) => [`${part.timeline} ${part.last}`, endingOf(part)]));
  return timelinesOf([...before, ...after]).every((timeline) => {
    const [was, is] = [before, after].map((entries) => logOf({ entries }, timeline));
    const whole = was![0]?.first === is![0]?.first && was!.at(-1)?.last === is!.at(-1)?.last;
    return whole && is!.every((part) => endings.get(`${timeline} ${part.last}`) === endingOf(part));
  });
}

function endingOf(part: LogPart): string {
  return part.kind === 'hole' ? part.why : part.fingerprint;
}

/** Undefined of an entry that is no segment. */
export function segmentOf(entry: ReadEntry): SegmentPart | undefined {
  const part = logPartOf(entry);
  return part?.kind === 'segment' ? part : undefined;
}

function timelinesOf(entries: readonly ReadEntry[]): readonly string[] {
  return [...new Set(partsOf(entries).map(({ timeline }) => timeline))];
}

function partsOf(entries: readonly ReadEntry[]): readonly LogPart[] {
  return entries.flatMap((entry) => logPartOf(entry) ?? []);
}

/** Entries are looked at again and again, and never change. */
const known = new WeakMap<ReadEntry, LogPart>();

/** Undefined of an entry that is neither segment nor hole. Throws `repository-damaged`. */
export function logPartOf(entry: ReadEntry): LogPart | undefined {
  const { kind, number, body } = entry;
  if (kind !== 'segment' && kind !== 'hole') return undefined;
  const seen = known.get(entry);
  if (seen) return seen;
  const read = kind === 'segment' ? segmentSchema.safeParse(body) : holeSchema.safeParse(body);
  if (!read.success) throw damaged(entryName(number), `it is no ${kind} that this release understands`);
  const part = { kind, number, ...read.data } as LogPart;
  known.set(entry, part);
  return part;
}
