import { compareText } from '../../lib/compare-text.ts';
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

/** These keys, or those of which it says true. Byte by byte as letters. */
export type WantedKeys = ReadonlySet<string> | ((key: string) => boolean);

export function isWanted(wanted: WantedKeys, key: string): boolean {
  return typeof wanted === 'function' ? wanted(key) : wanted.has(key);
}

interface Sought {
  /** Asked of each page, whether its rows count. */
  readonly pages: (page: number) => boolean;
  readonly keys: WantedKeys;
}

/** Gives `take` the rows of some keys on some pages, out of an object of a key index. Throws `repository-damaged`. */
export function readIndex(bytes: Buffer, name: string, { pages, keys }: Sought, take: (page: number, row: IndexedRow) => void): void {
  // Most others have another length: to make texts of them takes as long as all the rest.
  const lengths = typeof keys === 'function' ? undefined : new Set([...keys].map(({ length }) => length));
  let key = '';
  eachRow(bytes, name, pages, (row) => {
    if (lengths?.has(row.length) === false) return true;
    if (!row.again) key = row.bytes.toString('latin1', 0, row.length);
    if (isWanted(keys, key)) take(row.page, { key, revision: row.revision, sub: row.sub, deleted: row.deleted });
    return true;
  });
}

/** A key that is looked for. */
export interface SoughtKey {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** In the order in which `findRows` wants them. */
export function soughtKeys(keys: Iterable<string>): readonly SoughtKey[] {
  return [...keys].toSorted(compareText).map((key) => ({ key, bytes: Buffer.from(key, 'latin1') }));
}

/**
 * Gives the rows of some keys out of an object in which rows lie in the order of their keys, as in that of a segment. Both orders are walked at once, so that there is no text for each key that the object
 * speaks of. Throws `repository-damaged`, also where rows lie in another order.
 */
export function findRows(bytes: Buffer, name: string, sought: readonly SoughtKey[], take: (key: string, revision: number) => void): void {
  // The first that is not before the last row, and with how many bytes both begin alike.
  let [at, same] = [0, 0];
  eachRow(bytes, name, () => at < sought.length, (row) => {
    if (!row.rises) throw new RangeError('its keys are not in their order');
    // Where it shares more with the row before, it is as far before that one.
    if (row.shared <= same) {
      for (same = row.shared; at < sought.length; at++, same = 0) {
        const wanted = sought[at]!.bytes;
        while (same < row.length && same < wanted.length && row.bytes[same] === wanted[same]) same++;
        if (same === row.length || (same < wanted.length && row.bytes[same]! < wanted[same]!)) break;
      }
    }
    if (at === sought.length) return false;
    const { key, bytes: { length } } = sought[at]!;
    if (same === length) take(key, row.revision);
    return true;
  });
}

/** Changes from one to the next. */
interface RawRow extends Omit<IndexedRow, 'key'> {
  readonly page: number;
  /** Begins with the key. */
  readonly bytes: Buffer;
  readonly length: number;
  /** With the row before. */
  readonly shared: number;
  /** Whether it is not before the row before. */
  readonly rises: boolean;
  /** Whether it is the key that was taken before. */
  readonly again: boolean;
}

/** Until `take` says false. (It always says something: V8 compiles a loop that compares nothing with a boolean again and again, which takes longer than the rest.) */
function eachRow(bytes: Buffer, name: string, look: (page: number) => boolean, take: (row: RawRow) => boolean): void {
  readable(name, () => {
    const reader = new ByteReader(bytes);
    const row = { page: 0, bytes: Buffer.alloc(256), length: 0, shared: 0, rises: true, again: false, revision: 0, sub: 0, deleted: false };
    let taken = false;
    for (let left = reader.number(); left > 0; left--) {
      row.page += reader.number();
      const wanted = look(row.page);
      for (let rows = reader.number(); rows > 0; rows--) {
        const flags = reader.number();
        if (flags > (deletedFlag | subFlag | earlierFlag)) throw new RangeError(`a row has unknown flags (${flags})`);
        const [shared, own] = [reader.number(), reader.number()];
        const before = row.length;
        if (shared > before) throw new RangeError('a key shares more than the one before has');
        if (own > reader.left) throw new RangeError('it ends too early');
        row.rises = shared === before || (own > 0 && reader.next! > row.bytes[shared]!);
        row.again = taken && shared === before && own === 0;
        row.length = shared + own;
        row.shared = shared;
        if (row.length > row.bytes.length) row.bytes = Buffer.concat([row.bytes], 2 * row.length);
        reader.copy(own, row.bytes, shared);
        row.revision += (flags & earlierFlag) === 0 ? reader.number() : -reader.number();
        row.sub = (flags & subFlag) === 0 ? 0 : reader.number();
        row.deleted = (flags & deletedFlag) !== 0;
        taken = wanted;
        if (wanted && !take(row)) return;
      }
    }
    reader.end();
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
