import { isSameLog, segmentOf, type SegmentBody } from './change-log/coverage.ts';
import { catalogSchema, decodeCatalogList, encodeCatalogList, type CatalogItem } from './format/catalog-list.ts';
import { entryName } from './format/chain-entry.ts';
import { damaged } from './format/encrypted-object.ts';
import { objectName } from './format/object-name.ts';
import { getObject, putObject } from './objects.ts';
import { isRepeated, readEntry, type EntryContext, type ReadEntry, type WriterList } from './read-entry.ts';
import type { Store } from './store/store.ts';

/** A merged segment: an object that holds what pieces of the log hold, from the first revision of one to the last of another. */
export interface LogMerge {
  /** Who merged: 32 hexadecimal digits. */
  readonly writer: string;
  readonly body: SegmentBody & { readonly object: string };
}

export interface ReadCatalog {
  readonly upTo: number;
  /** Of entry `upTo`. */
  readonly hash: string;
  readonly entries: readonly ReadEntry[];
  /** Who may write after it. */
  readonly writers: WriterList | undefined;
}

/** In one list: some 250 kB. A full one is not written again as long as all in it is alive. */
const listLength = 512;

/** Reads and writes catalogs. A list that is known is neither read nor written again, and its entries stay the same objects. */
export class Catalogs {
  readonly #options: EntryContext & { readonly store: Store };
  /** By hash: those of the last catalog. */
  #lists = new Map<string, readonly ReadEntry[]>();

  constructor(options: EntryContext & { readonly store: Store }) {
    this.#options = options;
  }

  /** The hashes of the lists that say what is alive, all of them durable. */
  async write(entries: readonly ReadEntry[], merges: readonly LogMerge[]): Promise<readonly string[]> {
    const alive = merged(entries, merges).filter(({ kind }) => kind !== 'catalog');
    const lists = new Map<string, readonly ReadEntry[]>();
    let at = 0;
    for (const [hash, items] of this.#lists) {
      if (items.length < listLength || !items.every((item, index) => item === alive[at + index])) break;
      lists.set(hash, items);
      at += items.length;
    }
    for (; at < alive.length; at += listLength) {
      const items = alive.slice(at, at + listLength);
      lists.set(await this.#put(items), items);
    }
    this.#lists = new Map([...this.#lists, ...lists]);
    return [...lists.keys()];
  }

  /** Throws `repository-damaged`. */
  async read({ number, body }: ReadEntry): Promise<ReadCatalog> {
    const read = catalogSchema.safeParse(body);
    if (!read.success) throw damaged(entryName(number), 'it is no catalog that this release understands');
    const { upTo, hash, lists } = read.data;
    const known = new Map<string, readonly ReadEntry[]>();
    let writers: WriterList | undefined;
    for (const list of lists) {
      const items = this.#lists.get(list) ?? (await this.#get(list, writers));
      for (const { kind, body: content } of items) if (kind === 'writers') writers = content as WriterList;
      known.set(list, items);
    }
    this.#lists = known;
    const entries = [...known.values()].flat();
    if (entries.some((entry, index) => entry.number > upTo || entry.number <= (entries[index - 1]?.number ?? 0))) throw damaged(entryName(number), 'what it lists is not in order');
    return { upTo, hash, entries, writers };
  }

  /** Who has read what a catalog stands for sees whether it is true. Throws `repository-damaged` where it leaves something out or has something else. */
  refuseFalse({ number, writer }: ReadEntry, before: readonly ReadEntry[], after: readonly ReadEntry[]): void {
    const name = entryName(number);
    const left = new Map(after.filter(({ kind }) => isRepeated(kind)).map((entry) => [entry.number, entry.hash]));
    for (const entry of before) {
      if (!isRepeated(entry.kind)) continue;
      if (left.get(entry.number) !== entry.hash) throw damaged(name, `the catalog of writer ${writer} does not have ${entryName(entry.number)} as it is`);
      left.delete(entry.number);
    }
    const [more] = left.keys();
    if (more !== undefined) throw damaged(name, `the catalog of writer ${writer} has ${entryName(more)}, and the chain does not`);
    if (!isSameLog(before, after)) throw damaged(name, `the catalog of writer ${writer} has another log than the chain`);
  }

  #put(items: readonly ReadEntry[]): Promise<string> {
    return putObject(this.#options, 'table', encodeCatalogList(items.map(itemOf)), this.#options.structure);
  }

  async #get(hash: string, before: WriterList | undefined): Promise<readonly ReadEntry[]> {
    const bytes = await getObject(this.#options, 'table', hash, () => this.#options.structure);
    let writers = before;
    return decodeCatalogList(bytes, objectName('table', hash)).map((item) => {
      if (!('entry' in item)) return { number: item.number, hash: item.hash, writer: item.writer, kind: 'segment', body: item.segment };
      const { previous: _, epoch: __, ...entry } = readEntry(item.entry, entryName(item.number), writers, this.#options);
      if (entry.kind === 'writers') writers = entry.body as WriterList;
      return entry;
    });
  }
}

function itemOf({ number, hash, writer, body, bytes }: ReadEntry): CatalogItem {
  return bytes ? { number, entry: bytes } : { number, hash, writer, segment: body };
}

/** With merged segments where exactly their pieces were. One whose pieces are not there is left out: another catalog was quicker. */
function merged(entries: readonly ReadEntry[], merges: readonly LogMerge[]): readonly ReadEntry[] {
  let alive = entries;
  for (const { writer, body } of merges) {
    const pieces = alive.filter((entry) => {
      const part = segmentOf(entry);
      return part?.timeline === body.timeline && part.object === undefined && part.first >= body.first && part.last <= body.last;
    });
    const revisions = pieces.map(segmentOf).reduce((sum, part) => sum + part!.last - part!.first + 1, 0);
    const last = pieces.at(-1);
    if (!last || revisions !== body.last - body.first + 1) continue;
    const one: ReadEntry = { number: last.number, hash: last.hash, writer, kind: 'segment', body };
    const gone = new Set(pieces);
    alive = alive.flatMap((entry) => (entry === last ? [one] : gone.has(entry) ? [] : [entry]));
  }
  return alive;
}
