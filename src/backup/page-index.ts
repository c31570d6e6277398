import { idLength } from './format/page-table.ts';

/** Finds pages by their ids, in 8 to 16 bytes a page; a Map of strings has some 100. Ids are as good as random, so four bytes of one say where to look first. */
export class PageIndex {
  readonly #ids: Buffer;
  /** Page number + 1, at the place that its id says or the next free one. */
  readonly #places: Uint32Array;

  /** `ids`: 16 bytes for each page that may be added. */
  constructor(ids: Uint8Array) {
    this.#ids = Buffer.from(ids.buffer, ids.byteOffset, ids.length);
    this.#places = new Uint32Array(2 ** Math.ceil(Math.log2((ids.length / idLength) * 2 + 1)));
  }

  add(page: number): void {
    let place = this.#first(this.#ids, page);
    while (this.#places[place] !== 0) place = this.#next(place);
    this.#places[place] = page + 1;
  }

  /** A page that was added and has the id of a page in `ids`. */
  find(ids: Uint8Array, page: number): number | undefined {
    const wanted = Buffer.from(ids.buffer, ids.byteOffset, ids.length);
    for (let place = this.#first(wanted, page); this.#places[place] !== 0; place = this.#next(place)) {
      const found = this.#places[place]! - 1;
      if (wanted.compare(this.#ids, found * idLength, (found + 1) * idLength, page * idLength, (page + 1) * idLength) === 0) return found;
    }
    return undefined;
  }

  #first(ids: Buffer, page: number): number {
    return ids.readUInt32LE(page * idLength) & (this.#places.length - 1);
  }

  #next(place: number): number {
    return (place + 1) & (this.#places.length - 1);
  }
}
