import type { EtcdChange } from '../../clients/etcd/watch.ts';
import { bytesOf, type LogRecord } from '../change-log/log-record.ts';
import { ByteReader, ByteWriter } from './_bytes.ts';
import { readable } from './encrypted-object.ts';

/** Revisions without a gap, and what was learnt of leases in them: docs/design/repository-format.md, section 7. */
export interface Segment {
  readonly records: readonly LogRecord[];
  /** Seconds that a lease was granted for, by its id. */
  readonly leases: ReadonlyMap<bigint, number>;
}

const deletedFlag = 1;
const leaseFlag = 2;

/** Of one record at least, each of the revision after the one before. */
export function encodeSegment({ records, leases }: Segment): Buffer {
  const out = new ByteWriter(records.reduce((sum, record) => sum + bytesOf(record), 64 + 16 * leases.size));
  const [first] = records;
  for (const value of [first!.revision, records.length, first!.received]) out.number(value);
  let before = first!.received;
  for (const { received, changes } of records) {
    out.number(Math.max(0, received - before));
    before = Math.max(received, before);
    out.number(changes.length);
    for (const change of changes) writeChange(out, change);
  }
  out.number(leases.size);
  for (const [id, seconds] of leases) {
    out.raw(leaseBytes(id));
    out.number(seconds);
  }
  return out.done();
}

/** `only`: what other revisions changed is passed over, and left out of their records. Throws `repository-damaged`. */
export function decodeSegment(bytes: Buffer, name: string, only?: ReadonlySet<number>): Segment {
  return readable(name, () => {
    const reader = new ByteReader(bytes);
    const [first, count] = [reader.number(), reader.number()];
    let received = reader.number();
    const records: LogRecord[] = [];
    for (let revision = first; revision < first + count; revision++) {
      received += reader.number();
      const changes: EtcdChange[] = [];
      const isLeft = only !== undefined && !only.has(revision);
      for (let left = reader.number(); left > 0; left--) {
        if (isLeft) passChange(reader);
        else changes.push(readChange(reader, revision));
      }
      records.push({ revision, received, changes });
    }
    const leases = new Map<bigint, number>();
    for (let left = reader.number(); left > 0; left--) leases.set(reader.raw(8).readBigInt64BE(0), reader.number());
    reader.end();
    return { records, leases };
  });
}

function writeChange(out: ByteWriter, { revision, key, value, createRevision, version, lease }: EtcdChange): void {
  out.number((value ? 0 : deletedFlag) | (lease === 0n ? 0 : leaseFlag));
  out.number(key.length);
  out.raw(key);
  if (lease !== 0n) out.raw(leaseBytes(lease));
  if (!value) return;
  for (const number of [revision - createRevision, version, value.length]) out.number(number);
  out.raw(value);
}

function readChange(reader: ByteReader, revision: number): EtcdChange {
  const flags = readFlags(reader);
  const key = reader.raw(reader.number());
  const lease = (flags & leaseFlag) === 0 ? 0n : reader.raw(8).readBigInt64BE(0);
  if ((flags & deletedFlag) !== 0) return { revision, key, value: undefined, createRevision: 0, version: 0, lease };
  const [age, version, length] = [reader.number(), reader.number(), reader.number()];
  return { revision, key, value: reader.raw(length), createRevision: revision - age, version, lease };
}

function passChange(reader: ByteReader): void {
  const flags = readFlags(reader);
  reader.pass(reader.number());
  if ((flags & leaseFlag) !== 0) reader.pass(8);
  if ((flags & deletedFlag) !== 0) return;
  for (let numbers = 2; numbers > 0; numbers--) reader.number();
  reader.pass(reader.number());
}

function readFlags(reader: ByteReader): number {
  const flags = reader.number();
  if (flags > (deletedFlag | leaseFlag)) throw new RangeError(`a change has unknown flags (${flags})`);
  return flags;
}

function leaseBytes(id: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(id);
  return bytes;
}
