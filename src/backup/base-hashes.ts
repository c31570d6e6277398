import { z } from 'zod';
import { memberVerdicts } from './compare-members.ts';
import { damaged } from './format/encrypted-object.ts';
import { entryName } from './format/chain-entry.ts';
import type { ReadEntry } from './read-entry.ts';

/** What members said of a base once it was taken: docs/design/repository-format.md, section 6. */
const baseHashesSchema = z.object({
  /** Number of its entry. */
  base: z.number(),
  /** That of the base. */
  revision: z.number(),
  hashes: memberVerdicts,
});

export type BaseHashes = z.output<typeof baseHashesSchema>;

/** What was found out about bases, by their numbers. Only who took one can say so, and only once: what comes later, from another or about another revision says nothing. Throws `repository-damaged`. */
export function hashesOfBases(entries: readonly ReadEntry[]): ReadonlyMap<number, BaseHashes['hashes']> {
  const bases = new Map<number, ReadEntry>();
  const found = new Map<number, BaseHashes['hashes']>();
  for (const entry of entries) {
    if (entry.kind === 'base') bases.set(entry.number, entry);
    if (entry.kind !== 'base-hashes') continue;
    const { base, revision, hashes } = baseHashesOf(entry);
    const of = bases.get(base);
    if (of?.writer === entry.writer && revisionOf(of) === revision && !found.has(base)) found.set(base, hashes);
  }
  return found;
}

/** Throws `repository-damaged`. */
export function baseHashesOf({ number, body }: Pick<ReadEntry, 'number' | 'body'>): BaseHashes {
  const read = baseHashesSchema.safeParse(body);
  if (!read.success) throw damaged(entryName(number), 'it says of the hashes of a base nothing that this release understands');
  return read.data;
}

function revisionOf({ body }: ReadEntry): unknown {
  return (body as { readonly revision?: unknown }).revision;
}
