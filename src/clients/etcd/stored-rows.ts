import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { KeyValueSchema } from './_kv.ts';
import type { EtcdChange } from './watch.ts';

/** A row of a bucket of etcd's backend file. */
export interface StoredRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** What etcd stores in the bucket `key` of a change, the `sub`th of its revision from 0 (3.7: server/storage/mvcc, revision.go and kvstore_txn.go). Of a deletion it stores the key alone. */
export function storedChange({ revision, key, value, createRevision, version, lease }: EtcdChange, sub: number): StoredRow {
  const row = Buffer.alloc(value ? 17 : 18);
  row.writeBigUInt64BE(BigInt(revision), 0);
  row.write('_', 8);
  row.writeBigUInt64BE(BigInt(sub), 9);
  if (!value) row.write('t', 17);
  const kept = value ? { key, value, createRevision: BigInt(createRevision), modRevision: BigInt(revision), version: BigInt(version), lease } : { key };
  return { key: row, value: inBuffer(toBinary(KeyValueSchema, create(KeyValueSchema, kept))) };
}

/** What it stores in the bucket `lease`: leasepb.Lease, by its id. */
export function storedLease(id: bigint, seconds: number): StoredRow {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(id);
  return { key, value: inBuffer(new BinaryWriter().uint32(0x08).int64(id).uint32(0x10).int64(seconds).finish()) };
}

function inBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, length);
}
