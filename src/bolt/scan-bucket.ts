import { broken, bucketPage, childId, isBucket, isLeaf, leafRow, lengthOf, newestMeta, pageOf, pageSizeOf, type BoltRow, type Page } from './bolt-file.ts';

/** Bytes of a backend file that come from somewhere. */
export interface PageSource {
  /** In bytes. */
  readonly size: number;
  /** Exactly `length` bytes, or it rejects. */
  read(offset: number, length: number): Promise<Buffer>;
  /** What is fetched together has the same number, and what is best fetched after it a higher one. */
  place(offset: number): number;
}

/** Enough for both meta pages, whatever the page size. */
const headLength = 2 * 65536;
/** Pages of so many places are asked for at once. */
const placesAtOnce = 4;

/** The rows of a bucket at the top in no order, page by page: each page of the file is fetched once. Throws `data-damaged` with page and offset, as `openBolt`. */
export async function* scanBucket(source: PageSource, bucket: string, signal?: AbortSignal): AsyncGenerator<readonly BoltRow[]> {
  const head = await source.read(0, Math.min(source.size, headLength));
  const inHead = { size: head.length, read: (offset: number, length: number) => head.subarray(offset, offset + length) };
  const pageSize = pageSizeOf(inHead);
  const tree = { source, pageSize, seen: new Set<number>(), signal };
  let root: number | Page | undefined;
  for await (const page of leavesBelow(tree, newestMeta(inHead, pageSize).root)) {
    for (const row of rowsOf(page)) {
      if (row.key.toString('latin1') !== bucket) continue;
      if (!isBucket(row)) throw broken(`${bucket} is no bucket`);
      root = bucketPage(row.value);
    }
  }
  if (root === undefined) throw broken(`it has no bucket ${bucket}, which etcd makes before anything else`);
  for await (const page of leavesBelow(tree, root)) yield rowsOf(page);
}

/** The rows of leaves of which the numbers are known, each with that number, leaf by leaf in no order. Throws `data-damaged` where one is no leaf. */
export async function* rowsOfLeaves(source: PageSource, pageSize: number, leaves: readonly number[], signal?: AbortSignal): AsyncGenerator<{ readonly leaf: number; readonly rows: readonly BoltRow[] }> {
  for await (const page of pagesOf({ source, pageSize, seen: new Set(), signal }, leaves)) {
    if (!isLeaf(page)) throw broken(`page ${page.id} has no rows`);
    yield { leaf: page.id, rows: rowsOf(page) };
  }
}

interface Tree {
  readonly source: PageSource;
  readonly pageSize: number;
  /** A tree reaches no page twice. One that goes round would never end. */
  readonly seen: Set<number>;
  readonly signal: AbortSignal | undefined;
}

/** Level by level: so the pages of a level can be read in the order in which they lie. */
async function* leavesBelow(tree: Tree, root: number | Page): AsyncGenerator<Page> {
  let level: readonly number[] = typeof root === 'number' ? [root] : [];
  const below: number[] = [];
  const look = function* (page: Page): Generator<Page> {
    if (isLeaf(page)) yield page;
    else for (let index = 0; index < page.count; index++) below.push(childId(page, index));
  };
  if (typeof root !== 'number') yield* look(root);
  for (level = level.length > 0 ? level : below.splice(0); level.length > 0; level = below.splice(0)) {
    for await (const page of pagesOf(tree, level)) yield* look(page);
  }
}

/** In the order in which they lie. */
async function* pagesOf(tree: Tree, pages: readonly number[]): AsyncGenerator<Page> {
  for (const batch of batches(tree, pages)) {
    tree.signal?.throwIfAborted();
    yield* await Promise.all(batch.map((id) => readPage(tree, id)));
  }
}

function* batches({ source, pageSize, seen }: Tree, pages: readonly number[]): Generator<readonly number[]> {
  const placed = pages.map((id) => {
    if (seen.size === seen.add(id).size) throw broken(`page ${id} is reached twice`);
    if ((id + 1) * pageSize > source.size) throw broken(`page ${id} lies beyond its end`);
    return { id, place: source.place(id * pageSize) };
  });
  placed.sort((one, other) => one.place - other.place || one.id - other.id);
  let batch: number[] = [];
  let places = new Set<number>();
  for (const { id, place } of placed) {
    if (!places.has(place) && places.size === placesAtOnce) {
      yield batch;
      [batch, places] = [[], new Set()];
    }
    places.add(place);
    batch.push(id);
  }
  if (batch.length > 0) yield batch;
}

async function readPage({ source, pageSize }: Tree, id: number): Promise<Page> {
  const first = await source.read(id * pageSize, pageSize);
  const length = lengthOf(first, id, source.size);
  return pageOf(length === pageSize ? first : await source.read(id * pageSize, length), id);
}

function rowsOf(page: Page): ReturnType<typeof leafRow>[] {
  return Array.from({ length: page.count }, (_, index) => leafRow(page, index));
}
