import { sign, verify, type KeyObject } from 'node:crypto';
import { damaged } from './encrypted-object.ts';

/** docs/design/repository-format.md, section 8. */
const magic = Buffer.from('KKC1');
export const entryKinds = { base: 1, segment: 2, hole: 3, catalog: 5, verdict: 6, retire: 7, removed: 8, writers: 9, recipients: 10, timeline: 11, policy: 12, 'base-hashes': 13 } as const;
export type EntryKind = keyof typeof entryKinds;
/** Kinds from this number on may be passed over by who does not know them. */
const firstOptional = 128;
const kindOf = new Map<number, EntryKind>(Object.entries(entryKinds).map(([name, number]) => [number, name as EntryKind]));
const headLength = 84;
const signatureLength = 64;

export interface EntryHead {
  /** From 1, without a gap. */
  readonly number: number;
  /** SHA-256 of the entry before, in hexadecimal digits; zeros for the first. */
  readonly previous: string;
  readonly epoch: number;
  /** 32 hexadecimal digits. */
  readonly writer: string;
  /** Number of the newest catalog at or before this entry; 0 where there is none. */
  readonly catalog: number;
  /** `unknown`: of a newer release, and nothing that an older one has to know. */
  readonly kind: EntryKind | 'unknown';
}

export interface ChainEntry extends EntryHead {
  /** An encrypted object of kind `entry`. */
  readonly body: Uint8Array;
}

export const firstPrevious = '0'.repeat(64);

export function entryName(number: number): string {
  return `chain/${number.toString(16).padStart(16, '0')}`;
}

/** Others may have put something beside the entries. */
export function isEntryName(name: string): boolean {
  return /^chain\/[0-9a-f]{16}$/.test(name);
}

export function encodeEntry(entry: ChainEntry & { readonly kind: EntryKind }, key: KeyObject): Buffer {
  const head = Buffer.alloc(headLength);
  magic.copy(head);
  head.writeBigUInt64BE(BigInt(entry.number), 4);
  head.write(entry.previous, 12, 'hex');
  head.writeBigUInt64BE(BigInt(entry.epoch), 44);
  head.write(entry.writer, 52, 'hex');
  head.writeBigUInt64BE(BigInt(entry.catalog), 68);
  head[76] = entryKinds[entry.kind];
  head.writeUInt32LE(entry.body.length, 80);
  const signed = Buffer.concat([head, entry.body]);
  return Buffer.concat([signed, sign(null, signed, key)]);
}

/** What the entry says of itself: believed only once `isSignedBy` has said so. Throws `repository-damaged`. */
export function decodeEntry(bytes: Buffer, name: string): ChainEntry {
  if (bytes.length < headLength + signatureLength || !magic.equals(bytes.subarray(0, 4))) throw damaged(name, 'it is no entry of a chain');
  if (bytes.readUInt32LE(80) !== bytes.length - headLength - signatureLength) throw damaged(name, 'its length is not the one that it claims');
  const kind = kindOf.get(bytes[76]!) ?? (bytes[76]! >= firstOptional ? 'unknown' : undefined);
  if (kind === undefined) throw damaged(name, `it is of a kind (${bytes[76]}) that this release does not know: use a newer kubekeep`);
  const number = Number(bytes.readBigUInt64BE(4));
  if (entryName(number) !== name) throw damaged(name, `it is entry ${number}`);
  return {
    number,
    previous: bytes.toString('hex', 12, 44),
    epoch: Number(bytes.readBigUInt64BE(44)),
    writer: bytes.toString('hex', 52, 68),
    catalog: Number(bytes.readBigUInt64BE(68)),
    kind,
    body: bytes.subarray(headLength, bytes.length - signatureLength),
  };
}

export function isSignedBy(bytes: Buffer, key: KeyObject): boolean {
  const end = bytes.length - signatureLength;
  return verify(null, bytes.subarray(0, end), key, bytes.subarray(end));
}
