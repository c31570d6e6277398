import { wireFields } from '../lib/protobuf-wire.ts';
import { broken } from './bolt-file.ts';
import { isTombstone, mainOf, userKeyOf } from './key-space.ts';
import { scanBucket, type PageSource } from './scan-bucket.ts';

/** What a key held, and who wrote it. */
export interface KeyValue {
  readonly value: Buffer;
  /** That wrote it, and that made the key. */
  readonly revision: number;
  readonly createRevision: number;
}

/** The values at a backend file's last revision of those keys that are wanted; `onRows` hears how many rows have been read. Throws `data-damaged`. */
export async function newestValues(source: PageSource, wanted: (key: string) => boolean, { signal, onRows }: { readonly signal?: AbortSignal | undefined; readonly onRows?: (rows: number) => void } = {}): Promise<Map<string, KeyValue>> {
  /** By key the newest row: its revision, all 17 bytes of it, and no value where it was deleted. */
  const newest = new Map<string, { readonly row: string; readonly value: Buffer | undefined }>();
  let count = 0;
  for await (const rows of scanBucket(source, 'key', signal)) {
    for (const row of rows) {
      const key = userKeyOf(row);
      if (key === '' || !wanted(key)) continue;
      mainOf(row.key);
      const revision = row.key.toString('latin1', 0, 17);
      if ((newest.get(key)?.row ?? '') >= revision) continue;
      // A copy: the page that it lies in need not stay.
      newest.set(key, { row: revision, value: isTombstone(row) ? undefined : Buffer.from(row.value) });
    }
    count += rows.length;
    onRows?.(count);
  }
  return new Map([...newest].flatMap(([key, { value }]) => (value ? [[key, decoded(key, value)] as const] : [])));
}

/** mvccpb.KeyValue. */
function decoded(key: string, bytes: Buffer): KeyValue {
  let [value, revision, createRevision] = [Buffer.alloc(0) as Buffer, 0, 0];
  try {
    for (const field of wireFields(bytes)) {
      if (field.number === 5 && typeof field.value !== 'bigint') value = field.value;
      if (field.number === 3 && typeof field.value === 'bigint') revision = Number(field.value);
      if (field.number === 2 && typeof field.value === 'bigint') createRevision = Number(field.value);
    }
  } catch (error) {
    if (error instanceof RangeError) throw broken(`what it has of ${key} is none of etcd's values: ${error.message}`);
    throw error;
  }
  return { value, revision, createRevision };
}
