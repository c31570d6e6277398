import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CaptureKeys } from '../../backup/captures.ts';
import { readLog } from '../../backup/change-log/read-log.ts';
import { extendSnapshot } from '../../backup/extend-snapshot.ts';
import type { Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { writeSnapshot } from '../../backup/write-snapshot.ts';
import { unwritten } from '../../lib/disk-error.ts';
import { throwAwayFolder } from '../../programs/throw-away-folder.ts';
import type { ReadOperation } from './backup-operation.ts';
import { refuseWithoutRoom } from './refuse-without-room.ts';

export interface WrittenPoint {
  readonly point: Point;
  readonly path: string;
  readonly keys: CaptureKeys;
}

/** Revisions between two words of progress. */
const wordEvery = 10_000;

/**
 * Writes what etcd had at a point as a snapshot: a base is the very file that etcd sent; between two bases the rows of the log stand behind those of the base. Nothing stands at `path` until all of
 * it is there. Throws `repository-damaged`, `data-damaged`, and before it writes where there is no room.
 */
export async function writePoint({ progress, signal }: Pick<ReadOperation, 'progress' | 'signal'>, repository: Repository, { point: { base, revision }, path, keys }: WrittenPoint): Promise<void> {
  await refuseWithoutRoom(dirname(path), base.length, 'the point');
  if (revision === base.revision) return writeSnapshot(repository, base, path, keys, signal);
  // In clear text, and therefore beside what is asked for and nowhere else.
  await using folder = await throwAwayFolder(join(dirname(path), '.kubekeep-restore-'));
  const whole = join(folder.path, 'whole.db');
  await writeSnapshot(repository, base, whole, keys, signal);
  const log = readLog(repository, { timeline: base.timeline, first: base.revision + 1, last: revision }, keys);
  const onRevision = (done: number) => {
    if (done % wordEvery === 0) progress({ type: 'note', title: `replayed revision ${done} of ${revision}`, step: 'restore/replay' });
  };
  await extendSnapshot(whole, log, { signal, onRevision }).catch((error: unknown) => {
    throw unwritten(whole, error);
  });
  await rename(whole, path);
}
