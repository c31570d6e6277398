import { z } from 'zod';
import { damaged } from './encrypted-object.ts';

/** What a list of a catalog says of an entry: docs/design/repository-format.md, section 8. */
export type CatalogItem =
  /** The entry as it was signed. */
  | { readonly number: number; readonly entry: Buffer }
  /** A piece of the log; where it was merged, of the entry that was its last. */
  | { readonly number: number; readonly hash: string; readonly writer: string; readonly segment: unknown };

const listSchema = z.array(z.union([
  z.object({ number: z.number(), entry: z.base64() }),
  z.object({ number: z.number(), hash: z.string(), writer: z.string(), segment: z.record(z.string(), z.unknown()) }),
]));

export const catalogSchema = z.object({
  /** Number and hash of the entry up to which it says what there is. */
  upTo: z.number(),
  hash: z.string(),
  /** Hashes of its lists, which are objects of kind `table`. */
  lists: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
});

export function encodeCatalogList(items: readonly CatalogItem[]): Buffer {
  return Buffer.from(JSON.stringify(items.map((item) => ('entry' in item ? { number: item.number, entry: item.entry.toString('base64') } : item))));
}

/** Throws `repository-damaged`. */
export function decodeCatalogList(bytes: Buffer, name: string): readonly CatalogItem[] {
  const read = listSchema.safeParse(json(bytes));
  if (!read.success) throw damaged(name, 'it is no list of a catalog');
  return read.data.map((item) => ('entry' in item ? { number: item.number, entry: Buffer.from(item.entry, 'base64') } : item));
}

function json(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
