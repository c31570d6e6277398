import { ByteReader, ByteWriter } from './_bytes.ts';
import { readable } from './encrypted-object.ts';

/** Which page of a base lies where: docs/design/repository-format.md, section 6. */
export interface PageTable {
  readonly pageSize: number;
  /** 16 bytes for each page, in the order of the file. */
  readonly ids: Uint8Array;
  /** For each page: position in `packs`, and how many pages lie before it in that pack. */
  readonly pack: Uint32Array;
  readonly slot: Uint32Array;
  /** SHA-256 in hexadecimal digits. */
  readonly packs: readonly string[];
}

export const idLength = 16;
/** Pages. */
const atOnce = 64;

export interface ParentTable {
  /** Name of the parent's table: SHA-256 in hexadecimal digits. */
  readonly hash: string;
  readonly table: PageTable;
}

export function pagesOf({ ids }: PageTable): number {
  return ids.length / idLength;
}

/** Whole, or with a parent only the pages that are not the parent's. */
export function encodePageTable(table: PageTable, parent?: ParentTable): Buffer {
  const runs = changedRuns(table, parent?.table);
  const used = [...new Set(runs.map(({ page }) => table.pack[page]!))];
  const position = new Map(used.map((pack, index) => [pack, index]));
  const out = new ByteWriter();
  out.number(table.pageSize);
  out.number(pagesOf(table));
  out.number(parent ? 1 : 0);
  if (parent) out.raw(Buffer.from(parent.hash, 'hex'));
  out.number(used.length);
  for (const pack of used) out.raw(Buffer.from(table.packs[pack]!, 'hex'));
  out.number(runs.length);
  let end = 0;
  for (const { page, count } of runs) {
    for (const value of [page - end, count, position.get(table.pack[page]!)!, table.slot[page]!]) out.number(value);
    end = page + count;
  }
  for (const { page, count } of runs) out.raw(table.ids.subarray(page * idLength, (page + count) * idLength));
  return out.done();
}

/** Name of the parent's table, where it has one. Throws `repository-damaged`. */
export function parentOf(bytes: Buffer, name: string): string | undefined {
  return readable(name, () => readHead(new ByteReader(bytes)).parent);
}

/** The whole table; `parent` is the one that `parentOf` names. Throws `repository-damaged`. */
export function decodePageTable(bytes: Buffer, name: string, parent?: PageTable): PageTable {
  return readable(name, () => {
    const reader = new ByteReader(bytes);
    const { pageSize, pages } = readHead(reader);
    const before = parent ? pagesOf(parent) : 0;
    if (pages - before > reader.left / idLength) throw new RangeError(`it claims to have ${pages} pages`);
    if (parent && parent.pageSize !== pageSize) throw new RangeError('its pages are not as large as those of its parent');
    const own = Array.from({ length: reader.number() }, () => reader.raw(32).toString('hex'));
    const table = grown(parent, { pageSize, pages, own });
    const runs = readRuns(reader, { pages, packs: own.length });
    const covered = new Uint8Array(pages);
    for (const { page, count, pack, slot } of runs) {
      table.ids.set(reader.raw(count * idLength), page * idLength);
      table.pack.fill((parent?.packs.length ?? 0) + pack, page, page + count);
      for (let next = 0; next < count; next++) table.slot[page + next] = slot + next;
      covered.fill(1, page, page + count);
    }
    reader.end();
    if (covered.subarray(before).includes(0)) throw new RangeError('it does not say where all pages lie');
    return table;
  });
}

interface Run {
  readonly page: number;
  readonly count: number;
}

/** Neighbours that lie beside each other in one pack too. */
function changedRuns(table: PageTable, parent: PageTable | undefined): readonly Run[] {
  const runs: { page: number; count: number }[] = [];
  const changed = parent && changedPages(table.ids, parent);
  for (let page = 0; page < pagesOf(table); page++) {
    if (changed?.[page] === 0) continue;
    const last = runs.at(-1);
    const follows = last && last.page + last.count === page && table.pack[page] === table.pack[page - 1] && table.slot[page] === table.slot[page - 1]! + 1;
    if (follows) last.count++;
    else runs.push({ page, count: 1 });
  }
  return runs;
}

/** For each page of a file 1 where it is not the same as that of a table; `ids` as a table has them. */
export function changedPages(ids: Uint8Array, { ids: before }: PageTable): Uint8Array {
  const changed = new Uint8Array(ids.length / idLength).fill(1);
  const [now, then] = [ids, before].map((one) => Buffer.from(one.buffer, one.byteOffset, one.length)) as [Buffer, Buffer];
  const equal = (from: number, to: number) => now.compare(then, from * idLength, to * idLength, from * idLength, to * idLength) === 0;
  const both = Math.min(ids.length, before.length) / idLength;
  // Nearly all are the same: to compare many at once takes no longer than one.
  for (let from = 0, to; from < both; from = to) {
    to = Math.min(both, from + atOnce);
    if (equal(from, to)) changed.fill(0, from, to);
    else for (let page = from; page < to; page++) changed[page] = equal(page, page + 1) ? 0 : 1;
  }
  return changed;
}

function readHead(reader: ByteReader): { readonly pageSize: number; readonly pages: number; readonly parent: string | undefined } {
  const pageSize = reader.number();
  const pages = reader.number();
  const parent = reader.number() === 1 ? reader.raw(32).toString('hex') : undefined;
  return { pageSize, pages, parent };
}

function readRuns(reader: ByteReader, { pages, packs }: { readonly pages: number; readonly packs: number }): readonly (Run & { readonly pack: number; readonly slot: number })[] {
  let end = 0;
  return Array.from({ length: Math.min(reader.number(), pages) }, () => {
    const page = end + reader.number();
    const run = { page, count: reader.number(), pack: reader.number(), slot: reader.number() };
    end = page + run.count;
    if (end > pages || run.pack >= packs) throw new RangeError('a page lies beyond its end');
    return run;
  });
}

/** A table of the right size with what the parent says. */
function grown(parent: PageTable | undefined, { pageSize, pages, own }: { readonly pageSize: number; readonly pages: number; readonly own: readonly string[] }): PageTable {
  const table = { pageSize, ids: new Uint8Array(pages * idLength), pack: new Uint32Array(pages), slot: new Uint32Array(pages), packs: [...(parent?.packs ?? []), ...own] };
  if (!parent) return table;
  const same = Math.min(pages, pagesOf(parent));
  table.ids.set(parent.ids.subarray(0, same * idLength));
  table.pack.set(parent.pack.subarray(0, same));
  table.slot.set(parent.slot.subarray(0, same));
  return table;
}
