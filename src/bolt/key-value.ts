import { WireReader, wire } from '../lib/wire-reader.ts';
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

const none: Buffer = Buffer.alloc(0);

/** Throws `data-damaged`. */
export function keyValueOf(row: BoltRow): StoredKeyValue {
  const key = userKeyOf(row);
  let [createRevision, revision, version, value] = [0, 0, 0, none];
  try {
    const reader = new WireReader(row.value);
    while (reader.more) {
      const tag = reader.tag();
      if (tag === 2 * 8 + wire.varint) createRevision = Number(reader.varint());
      else if (tag === 3 * 8 + wire.varint) revision = Number(reader.varint());
      else if (tag === 4 * 8 + wire.varint) version = Number(reader.varint());
      else if (tag === 5 * 8 + wire.length) value = reader.bytes();
      else reader.skip(tag);
    }
  } catch (error) {
    if (error instanceof RangeError) throw broken(`what it has of ${key} at revision ${mainOf(row.key)} is none of etcd's values: ${error.message}`);
    throw error;
  }
  const main = mainOf(row.key);
  if (!isTombstone(row) && key !== '' && revision !== main) throw broken(`what it has at revision ${main} says that revision ${revision} wrote it`);
  return { key, createRevision, revision, version, value };
}
