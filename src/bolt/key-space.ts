import { setImmediate } from 'node:timers/promises';
import { broken, type BoltFile, type BoltRow } from './bolt-file.ts';
import { crc32c } from './crc32c.ts';

/** etcd's revisions in a backend file. */
export interface Revisions {
  /** The last main revision that the file has; 1 where it has no key. */
  readonly current: number;
  /** Up to which it is compacted; -1 where it never was. */
  readonly compacted: number;
}

const mainLength = 8;
const rowKeyLength = 17;
/** Rows between two moments in which the rest of the program gets its turn. */
const stint = 4096;

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
 * row keys and values in order, without rows after the revision, rows that compaction drops, and a tombstone exactly at it. Right only where the file itself is
 * not compacted farther than `compacted`.
 */
export async function hashKvOf(file: BoltFile, revision: number, compacted: number, signal?: AbortSignal): Promise<number> {
  const dropped = await rowsDropped(file, revision, compacted, signal);
  let hash = crc32c(Buffer.from('key'));
  let index = 0;
  await eachRow(file, revision, signal, (row) => {
    const main = mainOf(row.key);
    if (main <= compacted && dropped(index++)) return;
    if (main === compacted && isTombstone(row)) return;
    hash = crc32c(row.value, crc32c(row.key, hash));
  });
  return hash;
}

/** All keys that are there at `revision`; right only where the file is not compacted farther. */
export async function keysAt(file: BoltFile, revision: number, signal?: AbortSignal): Promise<ReadonlySet<string>> {
  return new Set((await livingAt(file, revision, signal)).keys());
}

/** The keys that are there at the file's last revision, each with the revision that wrote it last. Keys are taken as UTF-8. */
export async function livingKeys(file: BoltFile, signal?: AbortSignal): Promise<Map<string, number>> {
  const living = await livingAt(file, Infinity, signal);
  // Nearly all are the same in both: no second list of them is made.
  const others: string[] = [];
  for (const key of living.keys()) if (/[\x80-\xff]/.test(key)) others.push(key);
  for (const key of others) {
    const revision = living.get(key)!;
    living.delete(key);
    living.set(Buffer.from(key, 'latin1').toString(), revision);
  }
  return living;
}

/**
 * Which of the rows at or before `compacted` count no more, by their position: those that are not their key's newest at `revision`. None where no key is left:
 * that is how etcd has it.
 */
async function rowsDropped(file: BoltFile, revision: number, compacted: number, signal: AbortSignal | undefined): Promise<(index: number) => boolean> {
  if (compacted < 0) return () => false;
  /** The newest row of each key: its position, or -1 where it comes after `compacted`. */
  const newest = new Map<string, number>();
  let rows = 0;
  await eachRow(file, revision, signal, (row) => {
    const position = mainOf(row.key) <= compacted ? rows++ : -1;
    const user = userKeyOf(row);
    if (isTombstone(row)) newest.delete(user);
    else newest.set(user, position);
  });
  if (newest.size === 0) return () => false;
  const kept = new Uint8Array(rows);
  for (const position of newest.values()) if (position >= 0) kept[position] = 1;
  return (index) => kept[index] === 0;
}

/** Keys, byte by byte as letters, with the revision that wrote each last. */
async function livingAt(file: BoltFile, revision: number, signal: AbortSignal | undefined): Promise<Map<string, number>> {
  const living = new Map<string, number>();
  await eachRow(file, revision, signal, (row) => {
    const key = userKeyOf(row);
    if (isTombstone(row)) living.delete(key);
    else if (key !== '') living.set(key, mainOf(row.key));
  });
  return living;
}

/** All rows up to a revision, with pauses. */
async function eachRow(file: BoltFile, revision: number, signal: AbortSignal | undefined, look: (row: BoltRow) => void): Promise<void> {
  let count = 0;
  for (const row of file.rows('key')) {
    if (mainOf(row.key) > revision) return;
    if (++count % stint === 0) await setImmediate(undefined, { signal });
    look(row);
  }
}

/** The revision of a row of the bucket `key`, by its key. Throws `data-damaged`. */
export function mainOf(key: Buffer): number {
  if (key.length < mainLength) throw broken(`a revision has ${key.length} bytes only`);
  return Number(key.readBigUInt64BE(0));
}

/** Its place among the rows of its revision. Throws `data-damaged`. */
export function subOf(key: Buffer): number {
  if (key.length < rowKeyLength) throw broken(`a revision has ${key.length} bytes only`);
  return Number(key.readBigUInt64BE(mainLength + 1));
}

/** Whether a row of the bucket `key` says that its key was deleted. */
export function isTombstone({ key }: BoltRow): boolean {
  return key.length > rowKeyLength;
}

/** Byte by byte as letters. Field 1 of mvccpb.KeyValue, which etcd writes first; none in the row that a bump of revisions leaves. */
export function userKeyOf({ value }: BoltRow): string {
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
