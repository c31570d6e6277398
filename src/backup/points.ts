import { z } from 'zod';
import { KubekeepError } from '../lib/errors.ts';
import type { Chain, ReadEntry } from './chain.ts';
import { damaged } from './format/encrypted-object.ts';
import { entryName } from './format/chain-entry.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What the chain says of a base: docs/design/repository-format.md, section 6. */
const baseSchema = z.object({
  /** etcd's cluster id in hexadecimal digits, and the number of restores before. */
  timeline: z.string(),
  revision: z.number(),
  compacted: z.number(),
  etcd: z.string(),
  member: z.string(),
  /** Unix time in ms at which the stream began. */
  time: z.number(),
  length: z.number(),
  sha256: hash,
  table: hash,
  /** Tables that this one stands on. */
  depth: z.number(),
  /** It refers to no pack older than itself. */
  whole: z.boolean(),
  capture: z.string(),
  /** New in the store, in bytes of etcd's file. */
  added: z.number(),
  hashes: z.array(z.object({ member: z.string(), verdict: z.enum(['equal', 'different', 'not reached']) })),
});

export type BaseBody = z.output<typeof baseSchema>;

/** A base that is in the chain: taken, and perhaps hash-checked. */
export interface Base extends BaseBody {
  /** Number of its entry. */
  readonly number: number;
  /** Another member than the one that it was taken from has the same hash, and none has another one. */
  readonly hashChecked: boolean;
}

/** Bases in the order in which they were taken. */
export function basesOf({ entries }: Pick<Chain, 'entries'>): readonly Base[] {
  return entries.filter(({ kind }) => kind === 'base').map(baseOf);
}

/** Throws `repository-damaged`. */
export function baseOf({ number, body }: ReadEntry): Base {
  const read = baseSchema.safeParse(body);
  if (!read.success) throw damaged(entryName(number), 'it is no base that this release understands');
  const { hashes, member } = read.data;
  const hashChecked = hashes.some((one) => one.member !== member && one.verdict === 'equal') && hashes.every(({ verdict }) => verdict !== 'different');
  return { ...read.data, number, hashChecked };
}

/** The base that `latest`, `revision:N`, `base:N` or a time names: the newest that is not after it. Throws `point-missing`, `usage`. */
export function baseAt(bases: readonly Base[], point: string): Base {
  const fits = pointFilter(point);
  const found = bases.findLast(fits);
  if (found) return found;
  const first = bases[0];
  const what = first ? `the oldest base is of ${new Date(first.time).toISOString()}, revision ${first.revision}` : 'it has no base yet';
  throw new KubekeepError('point-missing', `the repository has nothing at ${point}: ${what}`, { hint: 'kubekeep backup list shows what there is.' });
}

function pointFilter(point: string): (base: Base) => boolean {
  if (point === 'latest') return () => true;
  const [, word, number] = /^(revision|base):(\d+)$/.exec(point) ?? [];
  if (word === 'revision') return ({ revision }) => revision <= Number(number);
  if (word === 'base') return (base) => base.number === Number(number);
  const time = Date.parse(point);
  if (Number.isNaN(time)) throw new KubekeepError('usage', `"${point}" is no point in time`, { hint: 'A point is latest, a time such as 2026-11-25T14:02:00Z, revision:N or base:N.' });
  return (base) => base.time <= time;
}
