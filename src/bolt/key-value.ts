import { wireFields } from '../lib/protobuf-wire.ts';
import { broken, type BoltRow } from './bolt-file.ts';
import { isTombstone, mainOf, userKeyOf } from './key-space.ts';

/** mvccpb.KeyValue, as a row of the bucket `key` has it; what is not there is 0 or empty. */
export interface StoredKeyValue {
  /** Byte by byte as letters. */
  readonly key: string;
  /** That made the key, and that wrote this value. */
  readonly createRevision: number;
  readonly revision: number;
  /** How often it was written since it was made. */
  readonly version: number;
  readonly value: Buffer;
}

/** Throws `data-damaged`. */
export function keyValueOf(row: BoltRow): StoredKeyValue {
  const key = userKeyOf(row);
  const [numbers, values] = [new Map<number, number>(), new Map<number, Buffer>()];
  try {
    for (const { number, value } of wireFields(row.value)) {
      if (typeof value === 'bigint') numbers.set(number, Number(value));
      else values.set(number, value);
    }
  } catch (error) {
    if (error instanceof RangeError) throw broken(`what it has of ${key} at revision ${mainOf(row.key)} is none of etcd's values: ${error.message}`);
    throw error;
  }
  const [revision, main] = [numbers.get(3) ?? 0, mainOf(row.key)];
  if (!isTombstone(row) && key !== '' && revision !== main) throw broken(`what it has at revision ${main} says that revision ${revision} wrote it`);
  return { key, createRevision: numbers.get(2) ?? 0, revision, version: numbers.get(4) ?? 0, value: values.get(5) ?? Buffer.alloc(0) };
}
