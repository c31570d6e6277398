import { createHmac } from 'node:crypto';
import type { EtcdChange } from '../../clients/etcd/watch.ts';
import { KubekeepError } from '../../lib/errors.ts';

/** One revision of etcd: all that it changed, in etcd's order. */
export interface LogRecord {
  readonly revision: number;
  /** Unix time in ms at which the capturer had it. */
  readonly received: number;
  readonly changes: readonly EtcdChange[];
}

/**
 * The records that changes make, each of the revision after the one before. Every revision of etcd changes a key, so a watch of all keys that leaves one out lost it:
 * throws `log-gap` then.
 */
export function recordsOf(changes: readonly EtcdChange[], after: number, received: number): readonly LogRecord[] {
  const records: { revision: number; received: number; changes: EtcdChange[] }[] = [];
  for (const change of changes) {
    const last = records.at(-1);
    if (last?.revision === change.revision) last.changes.push(change);
    else {
      follows((last?.revision ?? after) + 1, change.revision);
      records.push({ revision: change.revision, received, changes: [change] });
    }
  }
  return records;
}

/**
 * Tells what a revision wrote from what any other one did, and nothing else, to who does not have the key: 32 hexadecimal digits. Deletions are left out, since etcd may forget those of the revision
 * that it was compacted to.
 */
export function fingerprintOf(changes: readonly EtcdChange[], idKey: Uint8Array): string {
  const hash = createHmac('sha256', idKey);
  for (const { revision, key, value, createRevision, version, lease } of changes) {
    if (value) hash.update(JSON.stringify([revision, createRevision, version, String(lease), key.length, value.length])).update(key).update(value);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Some more than it takes before compression. */
export function bytesOf({ changes }: LogRecord): number {
  return changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0) + 32, 16);
}

/** Throws `log-gap` where the revision that came is not the one that had to come. */
export function follows(expected: number, came: number): void {
  if (came !== expected) throw new KubekeepError('log-gap', `revision ${expected} of etcd should have come, and ${came} came`);
}
