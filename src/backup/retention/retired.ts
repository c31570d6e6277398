import { z } from 'zod';
import { baseHashesOf } from '../base-hashes.ts';
import { logPartOf } from '../change-log/coverage.ts';
import { entryName } from '../format/chain-entry.ts';
import { damaged } from '../format/encrypted-object.ts';
import type { ReadEntry } from '../read-entry.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What an entry of kind `retire` says is alive no more, and what may be removed once its grace is over: docs/design/repository-format.md, section 12. */
const retireSchema = z.object({
  /** Unix time in ms. */
  time: z.number(),
  /** Numbers of bases. */
  bases: z.array(z.number()),
  /** Of a timeline's log all up to a revision. */
  logs: z.array(z.object({ timeline: z.string(), upTo: z.number() })),
  /** Hash of the list of objects that nothing reached then; none where there were none. */
  objects: hash.optional(),
  /** Entries of the chain up to this number, all of which a catalog stands for. */
  entriesUpTo: z.number(),
});
const removedSchema = z.object({ retire: z.number(), entriesUpTo: z.number() });

export type RetireBody = z.output<typeof retireSchema>;
export type RemovedBody = z.output<typeof removedSchema>;

export interface Retire extends RetireBody {
  readonly number: number;
}

/** What is alive of entries once an entry of kind `retire` or `removed` comes after them. */
export function withoutRetired(entries: readonly ReadEntry[], entry: ReadEntry): readonly ReadEntry[] {
  if (entry.kind === 'retire') return afterRetire(entries, retireOf(entry));
  const { retire } = removedOf(entry);
  return entries.filter(({ number, kind }) => number !== retire && kind !== 'removed');
}

export function afterRetire(entries: readonly ReadEntry[], { bases, logs }: Pick<RetireBody, 'bases' | 'logs'>): readonly ReadEntry[] {
  const gone = new Set(bases);
  const upTo = new Map(logs.map((log) => [log.timeline, log.upTo]));
  return entries.filter((one) => {
    if (one.kind === 'base-hashes') return !gone.has(baseHashesOf(one).base);
    const part = logPartOf(one);
    return part ? part.last > (upTo.get(part.timeline) ?? 0) : one.kind !== 'base' || !gone.has(one.number);
  });
}

/** What was retired and not removed yet, oldest first. */
export function retiresOf({ entries }: { readonly entries: readonly ReadEntry[] }): readonly Retire[] {
  return entries.filter(({ kind }) => kind === 'retire').map((entry) => ({ ...retireOf(entry), number: entry.number }));
}

/** The number up to which entries of the chain were removed; 0 where none were. */
export function removedUpTo({ entries }: { readonly entries: readonly ReadEntry[] }): number {
  const last = entries.findLast(({ kind }) => kind === 'removed');
  return last ? removedOf(last).entriesUpTo : 0;
}

/** The number up to which entries of the chain were removed, or may be as soon as a grace is over. */
export function goesUpTo(chain: { readonly entries: readonly ReadEntry[] }): number {
  return Math.max(removedUpTo(chain), ...retiresOf(chain).map(({ entriesUpTo }) => entriesUpTo));
}

function retireOf({ number, body }: ReadEntry): RetireBody {
  return parsed(retireSchema, number, body);
}

function removedOf({ number, body }: ReadEntry): RemovedBody {
  return parsed(removedSchema, number, body);
}

function parsed<T>(schema: z.ZodType<T>, number: number, body: unknown): T {
  const read = schema.safeParse(body);
  if (!read.success) throw damaged(entryName(number), 'it says of what goes nothing that this release understands');
  return read.data;
}
