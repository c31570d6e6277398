import type { ReadAt } from '../bolt/bolt-file.ts';
import type { ObjectKey } from './format/encrypted-object.ts';
import { pageHmac } from './format/page-id.ts';
import { idLength, pagesOf, type PageTable } from './format/page-table.ts';
import type { Repository } from './repository.ts';

const packSize = 4 << 20;
/** Read at once: whole pages of any size. */
const readSize = 1 << 20;

export interface StoredPages {
  readonly table: PageTable;
  /** New in the store, in bytes of the file. */
  readonly added: number;
}

export interface PageOptions {
  readonly pageSize: number;
  /** For the packs that are new. */
  readonly key: ObjectKey;
  /** Pages of it are not stored again. */
  readonly parent: PageTable | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Stores the pages of a file that the parent does not have, 4 MiB at a time. Memory is 24 bytes a page, some 100 for each of the parent's, and one pack. */
export async function storePages(repository: Repository, file: ReadAt, options: PageOptions): Promise<StoredPages> {
  const writer = new PageWriter(repository, file.size / options.pageSize, options);
  for (let at = 0; at < file.size; at += readSize) {
    options.signal?.throwIfAborted();
    await writer.add(file.read(at, Math.min(readSize, file.size - at)));
  }
  return writer.done();
}

class PageWriter {
  readonly #repository: Repository;
  readonly #options: PageOptions;
  readonly #hmac: (page: Uint8Array) => Buffer;
  readonly #ids: Uint8Array;
  readonly #pack: Uint32Array;
  readonly #slot: Uint32Array;
  readonly #packs: string[] = [];
  /** Numbers of the parent's packs that are used, by their numbers there. */
  readonly #parentPacks = new Map<number, number>();
  /** Where in the parent, and where in this file, a page of that id stands. */
  readonly #there = new Map<string, number>();
  readonly #here = new Map<string, number>();
  readonly #waiting = Buffer.allocUnsafe(packSize);
  #waitingPages = 0;
  #openPack = -1;
  #page = 0;
  #added = 0;

  constructor(repository: Repository, pages: number, options: PageOptions) {
    this.#repository = repository;
    this.#options = options;
    this.#hmac = pageHmac(repository.pageId, options.pageSize);
    this.#ids = new Uint8Array(pages * idLength);
    this.#pack = new Uint32Array(pages);
    this.#slot = new Uint32Array(pages);
    const { parent } = options;
    for (let page = 0; parent && page < pagesOf(parent); page++) this.#there.set(idAt(parent.ids, page), page);
  }

  async add(bytes: Buffer): Promise<void> {
    const { pageSize } = this.#options;
    for (let at = 0; at < bytes.length; at += pageSize) {
      const content = bytes.subarray(at, at + pageSize);
      const page = this.#page++;
      this.#ids.set(this.#hmac(content).subarray(0, idLength), page * idLength);
      const id = idAt(this.#ids, page);
      const there = this.#there.get(id);
      const here = this.#here.get(id);
      if (there !== undefined) this.#place(page, this.#parentPack(there), this.#options.parent!.slot[there]!);
      else if (here !== undefined) this.#place(page, this.#pack[here]!, this.#slot[here]!);
      else await this.#store(page, id, content);
    }
  }

  async done(): Promise<StoredPages> {
    await this.#flush();
    return { table: { pageSize: this.#options.pageSize, ids: this.#ids, pack: this.#pack, slot: this.#slot, packs: this.#packs }, added: this.#added };
  }

  #place(page: number, pack: number, slot: number): void {
    this.#pack[page] = pack;
    this.#slot[page] = slot;
  }

  #parentPack(page: number): number {
    const { pack, packs } = this.#options.parent!;
    const number = this.#parentPacks.get(pack[page]!) ?? this.#packs.push(packs[pack[page]!]!) - 1;
    this.#parentPacks.set(pack[page]!, number);
    return number;
  }

  async #store(page: number, id: string, content: Buffer): Promise<void> {
    // The pack has a number before it has a name.
    if (this.#waitingPages === 0) this.#openPack = this.#packs.push('') - 1;
    this.#place(page, this.#openPack, this.#waitingPages);
    this.#here.set(id, page);
    this.#waiting.set(content, this.#waitingPages++ * content.length);
    this.#added += content.length;
    if (this.#waitingPages * content.length === packSize) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#waitingPages === 0) return;
    const plain = this.#waiting.subarray(0, this.#waitingPages * this.#options.pageSize);
    this.#packs[this.#openPack] = await this.#repository.put('pack', plain, this.#options.key);
    this.#waitingPages = 0;
  }
}

function idAt(ids: Uint8Array, page: number): string {
  return Buffer.from(ids.buffer, ids.byteOffset + page * idLength, idLength).toString('latin1');
}
