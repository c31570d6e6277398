import { openBolt } from '../bolt/bolt-file.ts';
import { growBolt, type ReadWriteAt } from '../bolt/grow-bolt.ts';
import { revisionsOf } from '../bolt/key-space.ts';
import { trailerLength } from '../bolt/open-file.ts';
import { rowEncoder, type StoredRow } from '../clients/etcd/stored-rows.ts';
import { collectYoung } from '../lib/collect-young.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { Segment } from './format/segment.ts';
import { hashFile } from './hash-file.ts';
import { openSnapshot } from './open-snapshot.ts';

export interface ExtendOptions {
  readonly signal: AbortSignal;
  readonly onRevision: (revision: number) => void;
}

/** Seconds, where nobody learnt what a lease was granted for: it ended at once. */
const unknownLease = 60;

/**
 * Puts the revisions of a log behind those of a snapshot, each with the rows that etcd stored of it, and the leases that only the log knows; all else stays as it was. Until it resolves the file is
 * neither the old nor the new one. Throws `data-damaged` where a revision does not follow on the one before.
 */
export async function extendSnapshot(path: string, log: AsyncIterable<Segment>, options: ExtendOptions): Promise<void> {
  await using snapshot = await openSnapshot(path, 'r+');
  const length = await addLog(snapshot, log, options);
  await snapshot.file.truncate(length);
  await snapshot.file.write(await hashFile(snapshot.file, length, options.signal), 0, trailerLength, length);
  await snapshot.file.sync();
}

/** Bytes that the backend file has then. */
async function addLog(file: ReadWriteAt, log: AsyncIterable<Segment>, { signal, onRevision }: ExtendOptions): Promise<number> {
  const before = openBolt(file);
  const growing = growBolt(file);
  const [keys, stored] = [growing.behind('key'), leasesOf(before.rows('lease'))];
  const rows = rowEncoder();
  let { current } = revisionsOf(before);
  for await (const { records, leases } of log) {
    signal.throwIfAborted();
    for (const { revision, changes } of records) {
      if (revision !== current + 1) throw new KubekeepError('data-damaged', `replaying the log, revision ${revision} came after ${current}`);
      current = revision;
      for (const [sub, change] of changes.entries()) {
        keys.add({ ...rows.change(change, sub), flags: 0 });
        // One that is there is of the same grant.
        if (change.lease !== 0n && change.value && !stored.has(change.lease)) stored.set(change.lease, rows.lease(change.lease, leases.get(change.lease) ?? unknownLease));
      }
      onRevision(revision);
    }
    collectYoung();
  }
  const all = growing.instead('lease');
  for (const row of [...stored.values()].toSorted((one, other) => one.key.compare(other.key))) all.add({ ...row, flags: 0 });
  return growing.commit();
}

function leasesOf(rows: Iterable<StoredRow>): Map<bigint, StoredRow> {
  const stored = new Map<bigint, StoredRow>();
  for (const { key, value } of rows) stored.set(key.readBigInt64BE(0), { key: Buffer.from(key), value: Buffer.from(value) });
  return stored;
}
