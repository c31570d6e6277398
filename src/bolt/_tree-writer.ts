import { branchFlag, broken, elementLength, leafFlag, pageHeader, type Branch, type Element, type FlaggedRow } from './bolt-file.ts';

/** Takes a page's bytes for the next free place in the file; `id` says which page that will be. */
export interface PageSink {
  readonly pageSize: number;
  readonly id: number;
  append(page: Buffer): void;
}

/** As bbolt: a page is not made of fewer, also where they are longer than a page. Branches need them, or bbolt stops when it takes rows out. */
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
    if (open.elements.length > leastElements && open.bytes + sizeOf(element) > this.#sink.pageSize) {
      // One stays, so that the last page of a level has two as well.
      const full = open.elements.splice(0, open.elements.length - 1);
      open.bytes = pageHeader + sizeOf(open.elements[0]!);
      this.#add(level + 1, this.#write(level, full));
    }
    open.elements.push(element);
    open.bytes += sizeOf(element);
  }

  #write(level: number, elements: readonly Element[]): Branch {
    const { id } = this.#sink;
    this.#sink.append(encodePage(id, elements, level === 0 ? leafFlag : branchFlag, this.#sink.pageSize));
    return { key: elements[0]?.key ?? Buffer.alloc(0), page: id };
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

function encodePage(id: number, elements: readonly Element[], flags: number, pageSize: number): Buffer {
  const bytes = elements.reduce((sum, one) => sum + sizeOf(one), pageHeader);
  const pages = Math.ceil(bytes / pageSize);
  const page = Buffer.alloc(pages * pageSize);
  page.writeUIntLE(id, 0, 6);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(elements.length, 10);
  page.writeUInt32LE(pages - 1, 12);
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
  return page;
}
