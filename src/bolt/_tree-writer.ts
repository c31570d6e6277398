import { branchFlag, broken, elementLength, leafFlag, pageHeader, type Branch, type Element, type FlaggedRow } from './bolt-file.ts';

/** Gives the next free places in the file. */
export interface PageSink {
  readonly pageSize: number;
  /** That many pages, all zeros, to be filled before the next call, and the number of the first. */
  take(pages: number): { readonly id: number; readonly bytes: Buffer };
}

/** As bbolt: no page is made of fewer, also where they are longer than a page, but the last leaf. */
const leastElements = 2;

/**
 * Builds the tree of a bucket from rows in the order of their keys, page by page: only the rightmost page of each level is kept in memory. `edge` is that of a tree that
 * is continued: its pages are written anew, and all that lie left of it stay.
 */
export class TreeWriter {
  readonly #sink: PageSink;
  readonly #levels: Level[];

  constructor(sink: PageSink, edge: readonly (readonly Element[])[] = [[]]) {
    this.#sink = sink;
    this.#levels = edge.map((elements) => ({ elements: [...elements], bytes: elements.reduce((sum, one) => sum + sizeOf(one), pageHeader) }));
  }

  /** Throws `data-damaged` where the key does not come after the last one. */
  add(row: FlaggedRow): void {
    const last = this.#levels[0]!.elements.at(-1);
    if (last && last.key.compare(row.key) >= 0) throw broken(`a row (${row.key.toString('hex')}) does not come after the one before (${last.key.toString('hex')})`);
    this.#add(0, row);
  }

  /** Writes what is left; the page at the root. */
  finish(): number {
    for (let level = 0; level < this.#levels.length - 1; level++) this.#add(level + 1, this.#write(level, this.#levels[level]!.elements));
    return this.#write(this.#levels.length - 1, this.#levels.at(-1)!.elements).page;
  }

  #add(level: number, element: Element): void {
    const open = (this.#levels[level] ??= { elements: [], bytes: pageHeader });
    // Of a branch one stays, so that the last one has two as well: bbolt panics when it takes out the rows below a branch of one.
    const stay = level === 0 ? 0 : 1;
    if (open.elements.length >= leastElements + stay && open.bytes + sizeOf(element) > this.#sink.pageSize) {
      const full = open.elements.splice(0, open.elements.length - stay);
      open.bytes = open.elements.reduce((sum, one) => sum + sizeOf(one), pageHeader);
      this.#add(level + 1, this.#write(level, full));
    }
    open.elements.push(element);
    open.bytes += sizeOf(element);
  }

  #write(level: number, elements: readonly Element[]): Branch {
    const bytes = elements.reduce((sum, one) => sum + sizeOf(one), pageHeader);
    const pages = Math.ceil(bytes / this.#sink.pageSize);
    const taken = this.#sink.take(pages);
    const page = taken.bytes;
    page.writeUIntLE(taken.id, 0, 6);
    page.writeUInt16LE(level === 0 ? leafFlag : branchFlag, 8);
    page.writeUInt16LE(elements.length, 10);
    page.writeUInt32LE(pages - 1, 12);
    fill(page, elements);
    return { key: elements[0]?.key ?? Buffer.alloc(0), page: taken.id };
  }
}

interface Level {
  readonly elements: Element[];
  /** That a page of them would have. */
  bytes: number;
}

function sizeOf(element: Element): number {
  return elementLength + element.key.length + ('value' in element ? element.value.length : 0);
}

function fill(page: Buffer, elements: readonly Element[]): void {
  let data = pageHeader + elements.length * elementLength;
  for (const [index, element] of elements.entries()) {
    const at = pageHeader + index * elementLength;
    if ('value' in element) {
      page.writeUInt32LE(element.flags, at);
      page.writeUInt32LE(data - at, at + 4);
      page.writeUInt32LE(element.key.length, at + 8);
      page.writeUInt32LE(element.value.length, at + 12);
    } else {
      page.writeUInt32LE(data - at, at);
      page.writeUInt32LE(element.key.length, at + 4);
      page.writeUIntLE(element.page, at + 8, 6);
    }
    data += element.key.copy(page, data);
    if ('value' in element) data += element.value.copy(page, data);
  }
}
