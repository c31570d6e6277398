import type { ReadAt } from '../bolt/bolt-file.ts';
import { pageHmac } from './format/page-id.ts';
import { idLength } from './format/page-table.ts';

export interface IdOptions {
  /** The repository's. */
  readonly key: Uint8Array;
  readonly pageSize: number;
}

/** Read at once: whole pages of any size. */
const readSize = 1 << 20;

/** The ids of a file's pages from number `first` on, as a page table has them: 16 bytes each. What is behind the last whole page has none. */
export function pageIds(file: ReadAt, { key, pageSize }: IdOptions, first = 0): Uint8Array {
  const hmac = pageHmac(key, pageSize);
  const ids = Buffer.alloc(Math.max(0, Math.floor(file.size / pageSize) - first) * idLength);
  const into = Buffer.allocUnsafe(readSize);
  const end = first * pageSize + (ids.length / idLength) * pageSize;
  let next = 0;
  for (let from = first * pageSize; from < end; from += readSize) {
    const bytes = file.read(from, Math.min(readSize, end - from), into);
    for (let at = 0; at < bytes.length; at += pageSize, next += idLength) hmac(bytes.subarray(at, at + pageSize), ids, next);
  }
  return ids;
}
