import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { EtcdChange } from './watch.ts';

/** A row of a bucket of etcd's backend file. */
export interface StoredRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface RowEncoder {
  /** What etcd stores in the bucket `key` of a change, the `sub`th of its revision from 0 (3.7: server/storage/mvcc, revision.go and kvstore_txn.go). Of a deletion it stores the key alone. */
  change(change: EtcdChange, sub: number): StoredRow;
  /** What it stores in the bucket `lease`: leasepb.Lease, by its id. */
  lease(id: bigint, seconds: number): StoredRow;
}

/** Encodes rows byte by byte as etcd does; one after the other, with one buffer for all. */
export function rowEncoder(): RowEncoder {
  const out = new BinaryWriter();
  return {
    change({ revision, key, value, createRevision, version, lease }, sub) {
      const row = Buffer.allocUnsafe(value ? 17 : 18);
      row.writeBigUInt64BE(BigInt(revision), 0);
      row.write('_', 8);
      row.writeBigUInt64BE(BigInt(sub), 9);
      if (!value) row.write('t', 17);
      // mvccpb.KeyValue, as kv.proto has it: what is empty or 0 is left out.
      out.uint32(0x0a).bytes(key);
      if (value) out.uint32(0x10).int64(createRevision).uint32(0x18).int64(revision).uint32(0x20).int64(version);
      if (value && value.length > 0) out.uint32(0x2a).bytes(value);
      if (value && lease !== 0n) out.uint32(0x30).int64(lease);
      return { key: row, value: taken(out) };
    },
    lease(id, seconds) {
      const key = Buffer.allocUnsafe(8);
      key.writeBigInt64BE(id);
      out.uint32(0x08).int64(id).uint32(0x10).int64(seconds);
      return { key, value: taken(out) };
    },
  };
}

function taken(out: BinaryWriter): Buffer {
  const { buffer, byteOffset, length } = out.finish();
  return Buffer.from(buffer, byteOffset, length);
}
