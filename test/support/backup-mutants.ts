/** One line of the source, broken. */
export interface BackupMutant {
  readonly id: string;
  /** What is broken. */
  readonly title: string;
  readonly file: string;
  /** Stands there once. */
  readonly from: string;
  readonly to: string;
  readonly caughtBy: string;
}

export const backupMutants: readonly BackupMutant[] = [
  { id: 'M7', title: 'a restore begins right after the point, not above all that clients have seen', file: 'src/operations/restore/choose-floor.ts', from: 'floor: highest.revision + margin', to: 'floor: seen[0].revision + 1', caughtBy: 'test/lab/restore-cluster.test.ts' },
  { id: 'M9', title: 'the log loses one change of every seventh revision that has several', file: 'src/backup/change-log/log-record.ts', from: 'if (last?.revision === change.revision) last.changes.push(change);', to: 'if (last?.revision === change.revision) { if (change.revision % 7 !== 0) last.changes.push(change); }', caughtBy: 'test/integration/recorder.test.ts' },
  { id: 'M9-hash', title: 'the same, and nobody has a recorder', file: 'src/backup/change-log/log-record.ts', from: 'if (last?.revision === change.revision) last.changes.push(change);', to: 'if (last?.revision === change.revision) { if (change.revision % 7 !== 0) last.changes.push(change); }', caughtBy: 'test/integration/change-log.test.ts' },
  { id: 'M10', title: 'a replay leaves out the first revision after its base', file: 'src/operations/backup/write-point.ts', from: 'first: base.revision + 1', to: 'first: base.revision + 2', caughtBy: 'test/integration/restore-verify.test.ts' },
  { id: 'M10-order', title: 'a replay puts the changes of one revision in the order of the last one first', file: 'src/backup/extend-snapshot.ts', from: 'changes.entries())', to: 'changes.toReversed().entries())', caughtBy: 'test/integration/change-log.test.ts' },
  { id: 'M10-deleted', title: 'a replay leaves out what was deleted', file: 'src/backup/extend-snapshot.ts', from: '        keys.add(', to: '        if (change.value) keys.add(', caughtBy: 'test/integration/change-log.test.ts' },
  { id: 'M10-lease', title: 'a replay leaves out the leases that only the log knows', file: 'src/backup/extend-snapshot.ts', from: '!stored.has(change.lease)) stored.set', to: '!stored.has(change.lease)) stored.get', caughtBy: 'test/integration/recorder.test.ts' },
  { id: 'M10-compacted', title: 'a replay loses how far the base was compacted', file: 'src/bolt/grow-bolt.ts', from: '        top.add(', to: "        if (key.toString() !== 'meta') top.add(", caughtBy: 'test/integration/grow-bolt.test.ts' },
  { id: 'M10-checksum', title: 'the first pages of a replayed file have a wrong checksum', file: 'src/bolt/grow-bolt.ts', from: 'fnv1a(meta.subarray(0, 56))', to: 'fnv1a(meta.subarray(0, 55))', caughtBy: 'test/integration/grow-bolt.test.ts' },
  { id: 'M10-branch', title: 'the last branch of a replayed file may have one page below it', file: 'src/bolt/_tree-writer.ts', from: 'level === 0 ? 0 : 1', to: 'level === 0 ? 0 : 0', caughtBy: 'test/integration/grow-bolt.test.ts' },
  { id: 'M10-loose', title: 'nobody looks whether each write follows on the one before of its key', file: 'src/operations/backup/verify-point.ts', from: 'if (loose !== undefined)', to: 'if (loose === -1)', caughtBy: 'test/integration/restore-verify.test.ts' },
  { id: 'M10-page', title: 'the table of a base names the page beside the one that it means', file: 'src/backup/format/page-table.ts', from: 'position.get(table.pack[page]!)!, table.slot[page]!]', to: 'position.get(table.pack[page]!)!, table.slot[page]! + 1]', caughtBy: 'test/integration/base.test.ts' },
  { id: 'M11', title: 'pruning keeps a base and not the tables that it stands on', file: 'src/backup/retention/reached-objects.ts', from: "for (const hash of hashes) reached.add(objectName('table', hash));", to: "reached.add(objectName('table', base));", caughtBy: 'src/backup/retention/clean-up.test.ts' },
  { id: 'M11-base', title: 'pruning does not keep the base that the log begins at', file: 'src/backup/retention/plan-retention.ts', from: "for (const { begins } of timelines) keep(begins, 'the log begins here');", to: '', caughtBy: 'src/backup/retention/plan-retention.test.ts' },
  { id: 'M11-future', title: 'pruning counts bases of the future as the newest', file: 'src/backup/retention/plan-retention.ts', from: 'past.toSorted(', to: 'bases.toSorted(', caughtBy: 'src/backup/retention/clean-up-and-others.test.ts' },
  { id: 'M11-keys', title: 'pruning takes the keys of packs that a base has from one that is gone', file: 'src/backup/retention/reached-objects.ts', from: '...bases.flatMap((captures) => captures!)', to: '', caughtBy: 'src/backup/retention/clean-up.test.ts' },
  { id: 'B-twice', title: 'a time that a clock had twice is restored as if it was once', file: 'src/backup/points.ts', from: "if (wanted.by === 'time') refuseTwice", to: "if (wanted.by === 'base') refuseTwice", caughtBy: 'src/backup/points.test.ts' },
  { id: 'B-diverged', title: 'a base that has diverged is restored as any other', file: 'src/backup/points.ts', from: 'const all = goodBases(chain);', to: 'const all = basesOf(chain);', caughtBy: 'src/backup/points.test.ts' },
  { id: 'B-hashes', title: 'any writer may say what members have of a base', file: 'src/backup/base-hashes.ts', from: 'of?.writer === entry.writer &&', to: 'of &&', caughtBy: 'src/backup/base-hashes.test.ts' },
  { id: 'B-full', title: 'what a full disk took of a write is taken for all of it', file: 'src/backup/write-snapshot.ts', from: 'for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;', to: 'await file.write(bytes, 0, bytes.length, position);', caughtBy: 'test/integration/full-disk.test.ts' },
  { id: 'M12', title: 'an entry counts without a signature', file: 'src/backup/read-entry.ts', from: 'if (key === undefined || !isSignedBy(bytes, publicKeyOf(key)))', to: 'if (key === undefined)', caughtBy: 'src/backup/chain.test.ts' },
  { id: 'M12-hash', title: 'state hashes of members are taken to be equal', file: 'src/backup/compare-members.ts', from: "? 'equal' : 'different'", to: "? 'equal' : 'equal'", caughtBy: 'test/integration/restore-verify.test.ts' },
];
