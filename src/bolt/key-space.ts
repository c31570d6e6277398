import { crc32c } from './crc32c.ts';
import type { BoltFile, BoltRow } from './bolt-file.ts';

/** etcd's revisions in a backend file. */
export interface Revisions {
  /** The last main revision that the file has; 1 where it has no key. */
  readonly current: number;
  /** Up to which it is compacted; -1 where it never was. */
  readonly compacted: number;
}

const mainLength = 8;
const rowKeyLength = 17;

export function revisionsOf(file: BoltFile): Revisions {
  const last = file.last('key');
  let compacted = -1;
  for (const { key, value } of file.rows('meta')) {
    if (/^(finished|scheduled)CompactRev$/.test(key.toString('latin1')) && value.length >= mainLength) compacted = Math.max(compacted, mainOf(value));
  }
  return { current: Math.max(last ? mainOf(last.key) : 1, compacted, 1), compacted };
}

/**
 * What a member answers to HashKV at `revision` when it says `compacted` (etcd 3.7, server/storage/mvcc/hash.go): CRC-32C over the bucket's name, then
 * row keys and values in order, without rows after the revision, rows that compaction drops, and a tombstone exactly at it.
 */
export function hashKvOf(file: BoltFile, revision: number, compacted: number): number {
  const keep = new Map<string, string>();
  for (const row of file.rows('key')) {
    if (mainOf(row.key) > revision) break;
    const user = userKeyOf(row);
    if (isTombstone(row)) keep.delete(user);
    else keep.set(user, row.key.toString('latin1'));
  }
  const kept = new Set(keep.values());
  let hash = crc32c(Buffer.from('key'));
  for (const row of file.rows('key')) {
    const main = mainOf(row.key);
    if (main > revision) break;
    if (main <= compacted && kept.size > 0 && !kept.has(row.key.toString('latin1'))) continue;
    if (main === compacted && isTombstone(row)) continue;
    hash = crc32c(row.value, crc32c(row.key, hash));
  }
  return hash;
}

function mainOf(key: Buffer): number {
  return Number(key.readBigUInt64BE(0));
}

function isTombstone({ key }: BoltRow): boolean {
  return key.length > rowKeyLength;
}

/** Field 1 of mvccpb.KeyValue, which etcd writes first; none in the row that a bump of revisions leaves. */
function userKeyOf({ value }: BoltRow): string {
  if (value[0] !== 0x0a) return '';
  let length = 0;
  let at = 1;
  for (let factor = 1; ; factor *= 128) {
    const byte = value[at++] ?? 0;
    length += (byte & 0x7f) * factor;
    if (byte < 128) break;
  }
  return value.toString('latin1', at, at + length);
}
