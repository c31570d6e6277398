import { ByteReader, ByteWriter } from './_bytes.ts';
import { readable } from './encrypted-object.ts';

/** A row of etcd's bucket `key`, by what it says of a key. */
export interface IndexedRow {
  /** Byte by byte as letters. */
  readonly key: string;
  /** That wrote it, and its place among what that revision changed. */
  readonly revision: number;
  readonly sub: number;
  readonly deleted: boolean;
}

/** Writes rows of a key index: docs/design/repository-format.md, section 6. */
export class IndexWriter {
  readonly #pages = new ByteWriter();
  #count = 0;
  #lastPage = 0;
  #lastKey = Buffer.alloc(0);
  #lastRevision = 0;

  /** The rows of a page, in the order in which they lie there; pages in the order of their numbers. */
  add(page: number, rows: readonly IndexedRow[]): void {
    const out = this.#pages;
    out.number(page - this.#lastPage);
    out.number(rows.length);
    for (const { key, revision, sub, deleted } of rows) {
      const bytes = Buffer.from(key, 'latin1');
      const shared = sharedStart(bytes, this.#lastKey);
      const later = revision >= this.#lastRevision;
      out.number((deleted ? deletedFlag : 0) | (sub > 0 ? subFlag : 0) | (later ? 0 : earlierFlag));
      for (const number of [shared, bytes.length - shared]) out.number(number);
      out.raw(bytes.subarray(shared));
      out.number(Math.abs(revision - this.#lastRevision));
      if (sub > 0) out.number(sub);
      [this.#lastKey, this.#lastRevision] = [bytes, revision];
    }
    this.#lastPage = page;
    this.#count++;
  }

  get length(): number {
    return this.#pages.length;
  }

  done(): Buffer {
    const out = new ByteWriter();
    out.number(this.#count);
    out.raw(this.#pages.done());
    return out.done();
  }
}

const deletedFlag = 1;
const subFlag = 2;
const earlierFlag = 4;

/** Gives the pages that an object of a key index speaks of; `look` is asked of each whether its rows count, and `take` gets them then, until it says `true`: that is enough. Throws `repository-damaged`. */
export function readIndex(bytes: Buffer, name: string, look: (page: number) => boolean, take: (page: number, row: IndexedRow) => boolean | void): void {
  readable(name, () => {
    const reader = new ByteReader(bytes);
    let [page, revision, length] = [0, 0, 0];
    let key = Buffer.alloc(256);
    for (let left = reader.number(); left > 0; left--) {
      page += reader.number();
      const wanted = look(page);
      for (let rows = reader.number(); rows > 0; rows--) {
        const flags = reader.number();
        if (flags > (deletedFlag | subFlag | earlierFlag)) throw new RangeError(`a row has unknown flags (${flags})`);
        const [shared, own] = [reader.number(), reader.number()];
        if (shared > length) throw new RangeError('a key shares more than the one before has');
        length = shared + own;
        if (length > key.length) key = Buffer.concat([key, Buffer.alloc(length)], Math.min(length + reader.left, 2 * length));
        key.set(reader.raw(own), shared);
        revision += (flags & earlierFlag) === 0 ? reader.number() : -reader.number();
        const sub = (flags & subFlag) === 0 ? 0 : reader.number();
        if (wanted && take(page, { key: key.toString('latin1', 0, length), revision, sub, deleted: (flags & deletedFlag) !== 0 }) === true) return;
      }
    }
    reader.end();
  });
}

/** Whether an object of a key index speaks of a key, without a text for each that it speaks of. Reads until there. Throws `repository-damaged`. */
export function hasKey(bytes: Buffer, name: string, key: string): boolean {
  const wanted = Buffer.from(key, 'latin1');
  return readable(name, () => {
    const reader = new ByteReader(bytes);
    // Of the key before: its length, and with how many bytes it begins as the wanted one does.
    let [length, same] = [0, 0];
    for (let left = reader.number(); left > 0; left--) {
      reader.number();
      for (let rows = reader.number(); rows > 0; rows--) {
        const flags = reader.number();
        const [shared, own] = [reader.number(), reader.number()];
        if (shared > length) throw new RangeError('a key shares more than the one before has');
        const rest = reader.raw(own);
        length = shared + own;
        // Where it shares more with the one before, it is as different from the wanted one.
        if (shared <= same) for (same = shared; same < length && same < wanted.length && rest[same - shared] === wanted[same]; ) same++;
        if (same === wanted.length && length === same) return true;
        reader.number();
        if ((flags & subFlag) !== 0) reader.number();
      }
    }
    return false;
  });
}

/** Numbers of pages, in their order. */
export function encodeLeaves(leaves: Iterable<number>): Buffer {
  const out = new ByteWriter();
  let last = 0;
  for (const page of leaves) {
    out.number(page - last);
    last = page;
  }
  return out.done();
}

/** Throws `repository-damaged`. */
export function decodeLeaves(bytes: Buffer, name: string): ReadonlySet<number> {
  return readable(name, () => {
    const reader = new ByteReader(bytes);
    const leaves = new Set<number>();
    for (let page = 0; reader.left > 0; ) leaves.add((page += reader.number()));
    return leaves;
  });
}

function sharedStart(one: Buffer, other: Buffer): number {
  const most = Math.min(one.length, other.length);
  let at = 0;
  while (at < most && one[at] === other[at]) at++;
  return at;
}
