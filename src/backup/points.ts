import { z } from 'zod';
import { KubekeepError } from '../lib/errors.ts';
import { parseTime } from '../lib/parse-time.ts';
import { hashesOfBases, type BaseHashes } from './base-hashes.ts';
import { bundleSchema } from './bundle.ts';
import type { CaptureKeys } from './captures.ts';
import type { Chain } from './chain.ts';
import { logOf, type HolePart, type SegmentPart } from './change-log/coverage.ts';
import { readSegment } from './change-log/read-log.ts';
import { divergence, isDiverged, memberVerdicts } from './compare-members.ts';
import { damaged } from './format/encrypted-object.ts';
import { entryName } from './format/chain-entry.ts';
import type { ReadEntry } from './read-entry.ts';
import type { Repository } from './repository.ts';
import { startedBefore } from './timelines.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What the chain says of a base: docs/design/repository-format.md, section 6. */
const baseSchema = z.object({
  /** etcd's cluster id in hexadecimal digits, and the number of restores before. */
  timeline: z.string(),
  revision: z.number(),
  compacted: z.number(),
  etcd: z.string(),
  member: z.string(),
  /** A linearizable read at the member succeeded just before: the base has all that was acknowledged until then. */
  quorum: z.boolean(),
  /** Unix time in ms at which the stream's first piece came: nothing in it is newer. */
  time: z.number(),
  length: z.number(),
  sha256: hash,
  table: hash,
  /** Its key index: the pages that have rows, and the rows of pages. What an object of `rows` says of a page counts instead of what those after it say. Missing where an older release took it, or where nearly nothing is in it. */
  index: z.object({ leaves: hash, rows: z.array(hash).readonly() }).optional(),
  /** Tables that this one stands on. */
  depth: z.number(),
  /** It refers to no pack older than itself. */
  whole: z.boolean(),
  capture: z.string(),
  /** All that it needs: its own, and those of the packs that its table may refer to. Missing where an older release took it. */
  captures: z.array(z.string()).optional(),
  /** New in the store, in bytes of etcd's file. */
  added: z.number(),
  /** Where an older release took it, which said that it was taken only when members were compared: see `BaseHashes`. */
  hashes: memberVerdicts.optional(),
  /** The keys of the cluster and of the repository, sealed for escrow; none where the cluster is not kubekeep's. */
  bundle: bundleSchema.optional(),
});

export type BaseBody = z.output<typeof baseSchema>;

/** A base that is in the chain: taken, and perhaps hash-checked. */
export interface Base extends Omit<BaseBody, 'hashes'> {
  /** HashKV of all members at the base's revision, compared with the file's; empty until that was done. */
  readonly hashes: BaseHashes['hashes'];
  /** Number of its entry. */
  readonly number: number;
  /** Who took it: 32 hexadecimal digits. */
  readonly writer: string;
  /** Another member than the one that it was taken from has the same hash, and none has another one. */
  readonly hashChecked: boolean;
  /** Its own member or most others have something else: no point is read from it. */
  readonly diverged: boolean;
}

/** Bases in the order in which they were taken, also those that have diverged. */
export function basesOf({ entries }: Pick<Chain, 'entries'>): readonly Base[] {
  const hashes = hashesOfBases(entries);
  return entries.filter(({ kind }) => kind === 'base').map((entry) => baseOf(entry, hashes.get(entry.number)));
}

/** Those from which points can be read. */
export function goodBases(chain: Pick<Chain, 'entries'>): readonly Base[] {
  return basesOf(chain).filter(({ diverged }) => !diverged);
}

/** The good base of a timeline with the highest revision; undefined where it has none. */
export function newestBase(chain: Pick<Chain, 'entries'>, timeline: string): Base | undefined {
  return greatest(goodBases(chain).filter((base) => base.timeline === timeline), ({ revision }) => revision);
}

/** The captures whose keys are needed to read a base; undefined where nobody has written down which. */
export function capturesOf({ whole, capture, captures }: Base): readonly string[] | undefined {
  return captures ?? (whole ? [capture] : undefined);
}

/** `later`: what members said of it in an entry of its own. Throws `repository-damaged`. */
export function baseOf({ number, writer, body }: ReadEntry, later?: BaseHashes['hashes']): Base {
  const read = baseSchema.safeParse(body);
  if (!read.success) throw damaged(entryName(number), 'it is no base that this release understands');
  const { member } = read.data;
  const hashes = read.data.hashes ?? later ?? [];
  const hashChecked = hashes.some((one) => one.member !== member && one.verdict === 'equal') && hashes.every(({ verdict }) => verdict !== 'different');
  return { ...read.data, hashes, number, writer, hashChecked, diverged: isDiverged({ member, hashes }) };
}

/** A state of etcd that the repository can give back. */
export interface Point {
  readonly base: Base;
  /** The base's own, or a later one to which the log leads from it. */
  readonly revision: number;
  /** Unix time in ms: when the capturer had that revision, or when the base was begun. */
  readonly time: number;
}

/**
 * What `latest`, a time, `revision:N` or `base:N` names. A time is the last revision that a capturer had by then; a revision belongs to the newest timeline that has come so far. Throws
 * `point-missing` where neither a base nor the log has it exactly, and where a clock went back so that a time was twice; `usage`.
 */
export async function resolvePoint(repository: Repository, text: string, keys: CaptureKeys): Promise<Point> {
  const wanted = wantedPoint(text);
  const point = await pointOf(repository, { text, wanted }, keys);
  if (wanted.by === 'time') refuseTwice(repository, { text, time: wanted.time }, point);
  return point;
}

/** Whether a point that is named by a time or a revision lies before a base. Throws `usage`. */
export function isBefore(text: string, base: Pick<Base, 'time' | 'revision'>): boolean {
  const wanted = wantedPoint(text);
  return wanted.by === 'time' ? wanted.time < base.time : wanted.by === 'revision' && wanted.revision < base.revision;
}

/** ms by which the clocks of two capturers may differ. */
const slack = 10_000;

/** Throws where something before the point was captured later than the point by the clock of then: which of the two is meant nobody can tell. */
function refuseTwice({ chain }: Repository, { text, time }: { readonly text: string; readonly time: number }, { base, revision, time: found }: Point): void {
  const { timeline } = base;
  const pieces = logOf(chain, timeline).flatMap((part) => (part.kind === 'segment' && part.last < revision ? [{ revision: part.first, time: Math.max(part.from, part.to) }] : []));
  const bases = goodBases(chain).filter((one) => one.timeline === timeline && one.revision < revision);
  const later = [...pieces, ...bases].find((one) => one.time > time + slack);
  if (!later) return;
  throw new KubekeepError('point-missing', `${text} was twice: the clock of who captured it went back, from ${iso(later.time)} at revision ${later.revision} to ${iso(found)} at revision ${revision}`, {
    hint: `Choose by number: --at revision:${later.revision - 1} is before the later time, --at revision:${revision} is the last of the time that was asked for.`,
  });
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

async function pointOf(repository: Repository, { text, wanted }: { readonly text: string; readonly wanted: Wanted }, keys: CaptureKeys): Promise<Point> {
  const { chain } = repository;
  const all = goodBases(chain);
  if (wanted.by === 'base') refuseDiverged(chain, wanted.number);
  const start = wanted.by === 'time' || wanted.by === 'latest' ? startedBefore(chain, wanted.by === 'time' ? wanted.time : Infinity) : undefined;
  // What lived on elsewhere after a restore, and what lived before it, is not what the cluster had then.
  const bases = start ? all.filter(({ timeline }) => timeline === start.timeline) : all;
  const base = baseFor(bases, wanted);
  if (!base) throw missing(text, start ? `the cluster was restored${start.from ? ` to revision ${start.from.revision}` : ''} at ${new Date(start.time).toISOString()}, and it has no base of the time from then on` : oldest(all[0]));
  const own: Point = { base, revision: base.revision, time: base.time };
  if (wanted.by === 'base' || base.revision === wanted.revision) return own;
  const after = logOf(chain, base.timeline).filter(({ last }) => last > base.revision);
  // A log that began later leads nowhere from this base.
  const log = after[0] && after[0].first > base.revision + 1 ? [] : after;
  const hole = log.findIndex(({ kind }) => kind === 'hole');
  const segments = (hole < 0 ? log : log.slice(0, hole)) as readonly SegmentPart[];
  const end = segments.at(-1);
  const lost = hole < 0 ? undefined : (log[hole] as HolePart);
  const holds = wanted.by === 'time' ? segments.findLast(({ from }) => from <= wanted.time) : segments.find(({ last }) => last >= wanted.revision);
  if (wanted.by === 'latest') return end ? { base, revision: end.last, time: end.to } : own;
  // What happened in a hole may have happened before that time.
  const inHole = lost && (wanted.by === 'time' ? (end?.to ?? base.time) < wanted.time : !holds);
  if (inHole) throw missing(text, `revisions ${lost.first} to ${lost.last} are lost (${lost.why}); revision ${Math.max(base.revision, lost.first - 1)} is the last one before that`);
  if (!holds) {
    if (wanted.by === 'time') return own;
    throw missing(text, `revision ${end?.last ?? base.revision} is the last one before that`);
  }
  const { records } = await readSegment(repository, holds, keys);
  const record = records.findLast(({ revision, received }) => revision > base.revision && (wanted.by === 'time' ? received <= wanted.time : revision <= wanted.revision));
  return record ? { base, revision: record.revision, time: record.received } : own;
}

/** Throws `point-missing` where the base of that number is not to be used. */
export function refuseDiverged(chain: Pick<Chain, 'entries'>, number: number): void {
  const base = basesOf(chain).find((one) => one.number === number);
  if (base?.diverged) throw missing(`base:${number}`, `${divergence(base)}, so that it is not to be used`);
}

function oldest(first: Base | undefined): string {
  return first ? `the oldest base is of ${new Date(first.time).toISOString()}, revision ${first.revision}` : 'it has no base yet that can be used';
}

type Wanted =
  | { readonly by: 'latest'; readonly revision: number }
  | { readonly by: 'revision'; readonly revision: number }
  | { readonly by: 'base'; readonly number: number; readonly revision?: undefined }
  | { readonly by: 'time'; readonly time: number; readonly revision?: undefined };

function wantedPoint(text: string): Wanted {
  if (text === 'latest') return { by: 'latest', revision: Infinity };
  const [, word, number] = /^(revision|base):(\d+)$/.exec(text) ?? [];
  if (word === 'revision') return { by: 'revision', revision: Number(number) };
  if (word === 'base') return { by: 'base', number: Number(number) };
  const time = timeOf(text);
  if (Number.isNaN(time)) throw new KubekeepError('usage', `"${text}" is no point in time`, { hint: 'A point is latest, a time such as 2026-11-25T14:02:00Z (UTC where it names no zone), revision:N or base:N.' });
  return { by: 'time', time };
}

/** Unix time in ms. Where no zone is named it is UTC, as all times that are shown. NaN of what is no time. */
function timeOf(text: string): number {
  const [, date, clock = '00:00', zone = 'Z'] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text) ?? [];
  return date === undefined ? Number.NaN : parseTime(date, clock, zone);
}

/**
 * The newest base that is not after what is wanted. Entries that two writers append at once may be in any order, so that neither the last one of a timeline nor of the chain has to be its newest.
 */
function baseFor(bases: readonly Base[], wanted: Wanted): Base | undefined {
  if (wanted.by === 'base') return bases.find(({ number }) => number === wanted.number);
  if (wanted.by === 'time') return greatest(bases.filter(({ time }) => time <= wanted.time), ({ time }) => time);
  const timelines = [...new Set(bases.map(({ timeline }) => timeline))];
  const newest = timelines.findLast((timeline) => bases.some((base) => base.timeline === timeline && base.revision <= wanted.revision));
  return greatest(bases.filter(({ timeline, revision }) => timeline === newest && revision <= wanted.revision), ({ revision }) => revision);
}

function greatest(bases: readonly Base[], of: (base: Base) => number): Base | undefined {
  return bases.reduce<Base | undefined>((best, base) => (best && of(best) > of(base) ? best : base), undefined);
}

function missing(point: string, why: string): KubekeepError {
  return new KubekeepError('point-missing', `the repository has nothing at ${point}: ${why}`, { hint: 'kubekeep backup list shows what there is.' });
}
