import { rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { captureKeys, type CaptureKeys } from '../../backup/captures.ts';
import { resolvePoint, type Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { writeSnapshot } from '../../backup/write-snapshot.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { throwAwayFolder } from '../../programs/throw-away-folder.ts';
import type { ReadOperation } from './backup-operation.ts';
import { openToRead } from './open-backup.ts';
import { replayInScratchEtcd, saveReplayed, type ReplayInput } from './scratch-replay.ts';

/**
 * Writes what etcd had at a point as a snapshot: a base is the very file that etcd sent; between two bases an etcd of its own, which nobody else can reach, is given the log from the base on and is
 * asked for a snapshot. Nothing stands at `path` until all of it is there.
 */
export async function restoreFile(operation: ReadOperation, store: Store, { at, path }: { readonly at: string; readonly path: string }): Promise<Point> {
  await refuseUnwritable(path);
  const { repository, identity } = await openToRead(operation, store);
  const keys = captureKeys(repository, identity);
  const point = await resolvePoint(repository, at, keys);
  await writePoint(operation, repository, { point, path, keys });
  return point;
}

/** The same of a point that was found before. */
export async function writePoint(operation: ReadOperation, repository: Repository, { point, path, keys }: { readonly point: Point; readonly path: string; readonly keys: CaptureKeys }): Promise<void> {
  if (point.revision === point.base.revision) await writeSnapshot(repository, point.base, path, keys, operation.signal);
  else await replayed(operation, path, { repository, point, keys });
}

async function replayed(operation: ReadOperation, path: string, input: Omit<ReplayInput, 'folder'>): Promise<void> {
  // In clear text, and therefore beside what is asked for and nowhere else.
  await using folder = await throwAwayFolder(join(dirname(path), '.kubekeep-restore-'));
  await using etcd = await replayInScratchEtcd(operation, { ...input, folder: folder.path });
  const whole = join(folder.path, 'whole.db');
  await using _ = await saveReplayed(etcd, { path: whole, revision: input.point.revision }, operation);
  await rename(whole, path);
}

async function refuseUnwritable(path: string): Promise<void> {
  const [target, folder] = await Promise.all([path, dirname(path)].map((one) => stat(one).catch(() => undefined)));
  if (folder?.isDirectory() && !target?.isDirectory()) return;
  throw new KubekeepError('file-missing', target ? `${path} is a folder` : `there is no folder ${dirname(path)}`, { hint: 'Name a file in a folder that is there.' });
}
