import type { ReadAt } from '../bolt/bolt-file.ts';
import type { ObjectKey } from './format/encrypted-object.ts';
import { changedPages, idLength, pagesOf, type PageTable } from './format/page-table.ts';
import { PageIndex } from './page-index.ts';
import type { Repository } from './repository.ts';

const packSize = 4 << 20;

export interface StoredPages {
  readonly table: PageTable;
  /** New in the store, in bytes of the file. */
  readonly added: number;
}

export interface PageOptions {
  readonly pageSize: number;
  /** Of all its pages, in their order: see `pageIds`. */
  readonly ids: Uint8Array;
  /** For the packs that are new. */
  readonly key: ObjectKey;
  /** Pages of it are not stored again. */
  readonly parent: PageTable | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Stores the pages of a file that the parent does not have, 4 MiB at a time; only these are read. Memory is 32 bytes a page, 32 for each of the parent's, and one pack. */
export async function storePages(repository: Repository, file: ReadAt, options: PageOptions): Promise<StoredPages> {
  const writer = new PageWriter(repository, file, options);
  for (let page = 0; page < writer.pages; page++) {
    if (!writer.place(page)) await writer.store(page);
  }
  return writer.done();
}

class PageWriter {
  readonly pages: number;
  readonly #repository: Repository;
  readonly #file: ReadAt;
  readonly #options: PageOptions;
  readonly #pack: Uint32Array;
  readonly #slot: Uint32Array;
  readonly #packs: string[] = [];
  /** Numbers of the parent's packs that are used, by their numbers there. */
  readonly #parentPacks = new Map<number, number>();
  /** Where in the parent, and where among the new ones of this file, a page of an id stands. */
  readonly #there: PageIndex | undefined;
  /** As `changedPages` has it. Most have stayed: to look for them takes much longer. */
  readonly #changed: Uint8Array | undefined;
  readonly #here: PageIndex;
  readonly #waiting = Buffer.allocUnsafe(packSize);
  #waitingPages = 0;
  #openPack = -1;
  #added = 0;

  constructor(repository: Repository, file: ReadAt, options: PageOptions) {
    const { ids, parent } = options;
    this.pages = ids.length / idLength;
    this.#repository = repository;
    this.#file = file;
    this.#options = options;
    this.#pack = new Uint32Array(this.pages);
    this.#slot = new Uint32Array(this.pages);
    this.#here = new PageIndex(ids);
    this.#changed = parent && changedPages(ids, parent);
    this.#there = parent && new PageIndex(parent.ids);
    for (let page = 0; parent && page < pagesOf(parent); page++) this.#there!.add(page);
  }

  /** Whether the page is stored already: mostly by the parent, and mostly at the same place in the file. */
  place(page: number): boolean {
    const { ids, parent } = this.#options;
    const there = this.#changed?.[page] === 0 ? page : this.#there?.find(ids, page);
    const here = there === undefined ? this.#here.find(ids, page) : undefined;
    if (there !== undefined) this.#put(page, this.#parentPack(there), parent!.slot[there]!);
    else if (here !== undefined) this.#put(page, this.#pack[here]!, this.#slot[here]!);
    return there !== undefined || here !== undefined;
  }

  async store(page: number): Promise<void> {
    const { pageSize } = this.#options;
    // The pack has a number before it has a name.
    if (this.#waitingPages === 0) this.#openPack = this.#packs.push('') - 1;
    this.#put(page, this.#openPack, this.#waitingPages);
    this.#here.add(page);
    const at = this.#waitingPages++ * pageSize;
    const into = this.#waiting.subarray(at, at + pageSize);
    const content = this.#file.read(page * pageSize, pageSize, into);
    if (content !== into) into.set(content);
    this.#added += pageSize;
    if (at + pageSize === packSize) await this.#flush();
  }

  async done(): Promise<StoredPages> {
    await this.#flush();
    const { pageSize, ids } = this.#options;
    return { table: { pageSize, ids, pack: this.#pack, slot: this.#slot, packs: this.#packs }, added: this.#added };
  }

  #put(page: number, pack: number, slot: number): void {
    this.#pack[page] = pack;
    this.#slot[page] = slot;
  }

  #parentPack(page: number): number {
    const { pack, packs } = this.#options.parent!;
    const number = this.#parentPacks.get(pack[page]!) ?? this.#packs.push(packs[pack[page]!]!) - 1;
    this.#parentPacks.set(pack[page]!, number);
    return number;
  }

  async #flush(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (this.#waitingPages === 0) return;
    const plain = this.#waiting.subarray(0, this.#waitingPages * this.#options.pageSize);
    this.#packs[this.#openPack] = await this.#repository.put('pack', plain, this.#options.key);
    this.#waitingPages = 0;
  }
}
