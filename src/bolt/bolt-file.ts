import { KubekeepError } from '../lib/errors.ts';

/** Bytes of a backend file, wherever they lie. */
export interface ReadAt {
  /** In bytes. */
  readonly size: number;
  /** Gives exactly `length` bytes or throws. They may be put into `into`, where it is large enough. */
  read(offset: number, length: number, into?: Buffer): Buffer;
}

export interface BoltFile {
  readonly pageSize: number;
  /** Of the newer meta page: the transaction that wrote the file last. */
  readonly transaction: bigint;
  /** Keys and values of a bucket at the top in the order of their bytes; nothing where there is no such bucket. Valid until the next step. */
  rows(bucket: string): Generator<BoltRow>;
  /** The last row of a bucket. */
  last(bucket: string): BoltRow | undefined;
  /** Of the newer meta page, without the header that every page has. */
  readonly meta: Buffer;
  /** Pages that there are, used or free: what is added comes behind them. */
  readonly pages: number;
  /** The numbers of the pages that have the rows of a bucket, in its order: of what they stand in, only the first page below each branch is read. Undefined where it is so small that it lies inside another page. */
  leaves(bucket: string): readonly number[] | undefined;
  /** The rows of such a page. */
  leaf(page: number): readonly BoltRow[];
  /** The rows of all buckets at the top. */
  buckets(): readonly FlaggedRow[];
  /** The last page of each level of a bucket, from the leaf up; of a branch without the page below that comes before it here. Undefined where there is no such bucket. */
  edge(bucket: string): readonly (readonly Element[])[] | undefined;
}

export interface BoltRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A row of any bucket, as a leaf has it: flag 1 says that it is a bucket. */
export interface FlaggedRow extends BoltRow {
  readonly flags: number;
}

/** What a branch has of a page below: the first key in it, or one before. */
export interface Branch {
  readonly key: Buffer;
  readonly page: number;
}

export type Element = FlaggedRow | Branch;

export interface Page {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  readonly bytes: Buffer;
}

export const branchFlag = 0x01;
export const leafFlag = 0x02;
const bucketFlag = 0x01;
export const pageHeader = 16;
export const elementLength = 16;

/**
 * A file of bbolt (etcd-io/bbolt, internal/common: page.go, meta.go, bucket.go), read and never written. Nothing that it says is believed beyond its
 * size: throws `data-damaged` with page and offset. Only what the root reaches is looked at; free pages hold anything.
 */
export function openBolt(source: ReadAt): BoltFile {
  const pageSize = pageSizeOf(source);
  const meta = newestMeta(source, pageSize);
  const into = Buffer.allocUnsafe(16 * pageSize);
  const bucketRoot = (page: PageReader, name: string): Page | undefined => {
    const found = find(page, page(meta.root), Buffer.from(name));
    if (!found) return undefined;
    if (!isBucket(found)) throw broken(`${name} is no bucket`);
    const root = bucketPage(found.value);
    return typeof root === 'number' ? page(root) : root;
  };
  return {
    pageSize,
    transaction: meta.transaction,
    *rows(bucket) {
      // A buffer for each of a hundred thousand pages costs more than reading them.
      const page = pagesOnce(readAhead(source), pageSize, Buffer.allocUnsafe(16 * pageSize));
      const root = bucketRoot(page, bucket);
      if (!root) return;
      for (const leaf of leavesBelow(page, root)) {
        for (let index = 0; index < leaf.count; index++) yield leafRow(leaf, index);
      }
    },
    last: (bucket) => {
      const page = pagesOnce(source, pageSize);
      const root = bucketRoot(page, bucket);
      return root && lastBelow(page, root);
    },
    leaves(bucket) {
      const page = pagesOnce(source, pageSize);
      const found = find(page, page(meta.root), Buffer.from(bucket));
      if (!found || !isBucket(found)) throw broken(`it has no bucket ${bucket}`);
      const root = bucketPage(found.value);
      return typeof root === 'number' ? leafIds(page, page(root)) : undefined;
    },
    leaf(id) {
      const page = readPage(source, { id, pageSize, into });
      if (!isLeaf(page)) throw broken(`page ${id} has no rows`);
      return Array.from({ length: page.count }, (_, index) => leafRow(page, index));
    },
    meta: meta.bytes,
    pages: meta.pages,
    buckets() {
      const page = pagesOnce(source, pageSize);
      return allBelow(page, page(meta.root));
    },
    edge: (bucket) => {
      const page = pagesOnce(source, pageSize);
      const root = bucketRoot(page, bucket);
      return root && edgeBelow(page, root);
    },
  };
}

export function isBucket({ flags, value }: FlaggedRow): boolean {
  return (flags & bucketFlag) !== 0 && value.length >= 16;
}

/** Number of a bucket's first page; the page itself where the bucket is so small that it stands in its row. */
export function bucketPage(value: Buffer): number | Page {
  const root = number(value, 0);
  return root === 0 ? pageOf(value.subarray(16), 0) : root;
}

export function isLeaf({ flags }: Page): boolean {
  return (flags & leafFlag) !== 0;
}

export function broken(what: string): KubekeepError {
  return new KubekeepError('data-damaged', `the backend file of etcd is damaged: ${what}`);
}

/** The first meta page may be the broken one: then the second lies at one of the usual page sizes. Throws `data-damaged`. */
export function pageSizeOf(source: ReadAt): number {
  for (const at of [0, 4096, 8192, 16384, 32768, 65536, 1024, 2048]) {
    const meta = metaAt(source, at);
    if (meta && (at === 0 || meta.pageSize === at)) return meta.pageSize;
  }
  throw broken('neither of its two first pages is a valid meta page');
}

interface Meta {
  readonly pageSize: number;
  readonly root: number;
  readonly pages: number;
  readonly transaction: bigint;
  readonly bytes: Buffer;
}

export function newestMeta(source: ReadAt, pageSize: number): Meta {
  const found = [metaAt(source, 0), metaAt(source, pageSize)].flatMap((meta) => (meta?.pageSize === pageSize ? [meta] : []));
  const newest = found.toSorted((one, other) => (one.transaction < other.transaction ? 1 : -1))[0];
  if (!newest) throw broken('neither of its two first pages is a valid meta page');
  return newest;
}

function metaAt(source: ReadAt, offset: number): Meta | undefined {
  if (offset + pageHeader + 64 > source.size) return undefined;
  const bytes = source.read(offset + pageHeader, 64);
  const pageSize = bytes.readUInt32LE(8);
  const valid = bytes.readUInt32LE(0) === 0xed0cdaed && bytes.readUInt32LE(4) === 2 && fnv1a(bytes.subarray(0, 56)) === bytes.readBigUInt64LE(56);
  if (!valid || pageSize < 1024 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0) return undefined;
  return { pageSize, root: number(bytes, 16), pages: number(bytes, 40), transaction: bytes.readBigUInt64LE(48), bytes };
}

/** FNV-1a of 64 bits. */
export function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

const windowLength = 1 << 16;

/**
 * Reads more at once where what is asked for lies behind what was asked for before, as leaves mostly do: to ask the kernel for each page takes longer than to copy it. What it gives may be valid until the
 * next call only.
 */
function readAhead(source: ReadAt): ReadAt {
  const room = Buffer.allocUnsafe(windowLength);
  let window: Buffer = room;
  let [from, to, end] = [0, 0, -1];
  return {
    size: source.size,
    read(offset, length, into) {
      const follows = offset >= end && offset - end < windowLength;
      end = offset + length;
      if (follows && length <= windowLength && (offset < from || end > to)) {
        to = Math.min(source.size, offset + windowLength);
        from = offset;
        window = source.read(from, to - from, room);
      }
      return offset >= from && end <= to ? window.subarray(offset - from, end - from) : source.read(offset, length, into);
    },
  };
}

/** A tree reaches no page twice. One that goes round would never end. A leaf may lie in `into` until the next page is read. */
function pagesOnce(source: ReadAt, pageSize: number, into?: Buffer): PageReader {
  const seen = new Uint8Array(Math.ceil(source.size / pageSize));
  return (id) => {
    if (seen[id] === 1) throw broken(`page ${id} is reached twice`);
    const page = readPage(source, { id, pageSize, into });
    seen[id] = 1;
    return (page.flags & leafFlag) !== 0 ? page : { ...page, bytes: Buffer.from(page.bytes) };
  };
}

function readPage(source: ReadAt, { id, pageSize, into }: { readonly id: number; readonly pageSize: number; readonly into: Buffer | undefined }): Page {
  const offset = id * pageSize;
  if (offset + pageSize > source.size) throw broken(`page ${id} lies beyond its end`);
  const first = source.read(offset, pageSize, into);
  const length = lengthOf(first, id, source.size);
  return pageOf(length === pageSize ? first : source.read(offset, length, into), id);
}

/** Bytes that a page has with those behind it that belong to it, of which `first` is the first one. */
export function lengthOf(first: Buffer, id: number, size: number): number {
  const offset = id * first.length;
  const overflow = first.readUInt32LE(12);
  if (number(first, 0) !== id) throw broken(`page ${id} (offset ${offset}) says that it is page ${first.readBigUInt64LE(0)}`);
  if (offset + (overflow + 1) * first.length > size) throw broken(`page ${id} (offset ${offset}) reaches beyond its end`);
  return (overflow + 1) * first.length;
}

export function pageOf(bytes: Buffer, id: number): Page {
  if (bytes.length < pageHeader) throw broken(`a page inside page ${id} is cut`);
  const page = { id, flags: bytes.readUInt16LE(8), count: bytes.readUInt16LE(10), bytes };
  if (pageHeader + page.count * elementLength > bytes.length) throw broken(`page ${id} claims to have ${page.count} elements`);
  refuseOddLayout(page);
  return page;
}

/** bbolt writes what elements have right behind the list of them, one behind the other. Nothing else in the format shows that a count, a place or a length was changed. */
function refuseOddLayout({ id, flags, count, bytes }: Page): void {
  if (flags !== leafFlag && flags !== branchFlag) throw broken(`page ${id} is neither branch nor leaf`);
  const [place, lengths] = flags === leafFlag ? [4, [8, 12]] : [0, [4]];
  let end = pageHeader + count * elementLength;
  for (let at = pageHeader; at < pageHeader + count * elementLength; at += elementLength) {
    if (at + bytes.readUInt32LE(at + place) !== end) throw broken(`element ${(at - pageHeader) / elementLength} of page ${id} does not lie where the one before it ends`);
    for (const length of lengths) end += bytes.readUInt32LE(at + length);
  }
  if (end > bytes.length) throw broken(`the elements of page ${id} reach beyond its end`);
}

type PageReader = (id: number) => Page;

function* leavesBelow(read: PageReader, page: Page): Generator<Page> {
  if ((page.flags & leafFlag) !== 0) yield page;
  else for (let index = 0; index < page.count; index++) yield* leavesBelow(read, child(read, page, index));
}

/** A tree is as deep everywhere. */
function leafIds(read: PageReader, page: Page): readonly number[] {
  if (isLeaf(page)) return [page.id];
  const below = Array.from({ length: page.count }, (_, index) => childId(page, index));
  if (below.length === 0) return [];
  const first = read(below[0]!);
  return isLeaf(first) ? below : [...leafIds(read, first), ...below.slice(1).flatMap((id) => leafIds(read, read(id)))];
}

function lastBelow(read: PageReader, page: Page): BoltRow | undefined {
  if (page.count === 0) return undefined;
  if ((page.flags & leafFlag) !== 0) return leafRow(page, page.count - 1);
  return lastBelow(read, child(read, page, page.count - 1));
}

function allBelow(read: PageReader, page: Page): readonly FlaggedRow[] {
  const indexes = Array.from({ length: page.count }, (_, index) => index);
  return (page.flags & leafFlag) !== 0 ? indexes.map((index) => leafRow(page, index)) : indexes.flatMap((index) => allBelow(read, child(read, page, index)));
}

function edgeBelow(read: PageReader, page: Page): readonly (readonly Element[])[] {
  if ((page.flags & leafFlag) !== 0 || page.count === 0) return [allBelow(read, page)];
  const left = Array.from({ length: page.count - 1 }, (_, index) => ({ key: branchKey(page, index), page: childId(page, index) }));
  return [...edgeBelow(read, child(read, page, page.count - 1)), left];
}

function find(read: PageReader, page: Page, key: Buffer): FlaggedRow | undefined {
  if ((page.flags & leafFlag) !== 0) {
    for (let index = 0; index < page.count; index++) {
      const row = leafRow(page, index);
      if (row.key.equals(key)) return row;
    }
    return undefined;
  }
  let index = 0;
  while (index + 1 < page.count && branchKey(page, index + 1).compare(key) <= 0) index++;
  return page.count === 0 ? undefined : find(read, child(read, page, index), key);
}

function child(read: PageReader, page: Page, index: number): Page {
  return read(childId(page, index));
}

/** Number of the page below an element of a branch page. */
export function childId(page: Page, index: number): number {
  if ((page.flags & branchFlag) === 0) throw broken(`page ${page.id} is neither branch nor leaf`);
  return number(page.bytes, pageHeader + index * elementLength + 8);
}

function branchKey(page: Page, index: number): Buffer {
  const at = pageHeader + index * elementLength;
  return part(page, at + page.bytes.readUInt32LE(at), page.bytes.readUInt32LE(at + 4));
}

export function leafRow(page: Page, index: number): FlaggedRow {
  const at = pageHeader + index * elementLength;
  const flags = page.bytes.readUInt32LE(at);
  const from = at + page.bytes.readUInt32LE(at + 4);
  const keyLength = page.bytes.readUInt32LE(at + 8);
  return { flags, key: part(page, from, keyLength), value: part(page, from + keyLength, page.bytes.readUInt32LE(at + 12)) };
}

function part(page: Page, from: number, length: number): Buffer {
  if (from + length > page.bytes.length) throw broken(`an element of page ${page.id} reaches beyond its end`);
  return page.bytes.subarray(from, from + length);
}

/** 64 bits, of which a page number or a length uses 53 at the most. */
function number(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > 0xffffffffffn) throw broken(`a page number (${value}) is absurd`);
  return Number(value);
}
