import type { BoltRow } from './bolt-file.ts';
import { isTombstone, mainOf, userKeyOf } from './key-space.ts';
import { keyValueOf } from './key-value.ts';
import { scanBucket, type PageSource } from './scan-bucket.ts';

/** What a key held, and the revision that wrote it. */
export interface KeyValue {
  readonly value: Buffer;
  readonly revision: number;
}

/** The values at a backend file's last revision of those keys that are wanted; `onRows` hears how many rows have been read. Throws `data-damaged`. */
export async function newestValues(source: PageSource, wanted: (key: string) => boolean, { signal, onRows }: { readonly signal?: AbortSignal | undefined; readonly onRows?: (rows: number) => void } = {}): Promise<Map<string, KeyValue>> {
  /** By key the newest row, and of its revision all 17 bytes. */
  const newest = new Map<string, { readonly at: string; readonly row: BoltRow | undefined }>();
  let count = 0;
  for await (const rows of scanBucket(source, 'key', signal)) {
    for (const row of rows) {
      const key = userKeyOf(row);
      if (key === '' || !wanted(key)) continue;
      mainOf(row.key);
      const at = row.key.toString('latin1', 0, 17);
      if ((newest.get(key)?.at ?? '') >= at) continue;
      // A copy: the page that it lies in need not stay. None where it was deleted.
      newest.set(key, { at, row: isTombstone(row) ? undefined : { key: Buffer.from(row.key), value: Buffer.from(row.value) } });
    }
    count += rows.length;
    onRows?.(count);
  }
  return new Map([...newest].flatMap(([key, { row }]) => (row ? [[key, keyValueOf(row)] as const] : [])));
}
