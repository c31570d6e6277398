import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { captureKeys } from '../../backup/captures.ts';
import { resolvePoint, type Point } from '../../backup/points.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { ReadOperation } from './backup-operation.ts';
import { openToRead } from './open-backup.ts';
import { writePoint } from './write-point.ts';

/** Writes what etcd had at a point as a snapshot, as `writePoint` does. Throws `point-missing` too. */
export async function restoreFile(operation: ReadOperation, store: Store, { at, path }: { readonly at: string; readonly path: string }): Promise<Point> {
  await refuseUnwritable(path);
  const { repository, identity } = await openToRead(operation, store);
  const keys = captureKeys(repository, identity);
  const point = await resolvePoint(repository, at, keys);
  await writePoint(operation, repository, { point, path, keys });
  return point;
}

async function refuseUnwritable(path: string): Promise<void> {
  const [target, folder] = await Promise.all([path, dirname(path)].map((one) => stat(one).catch(() => undefined)));
  if (folder?.isDirectory() && !target?.isDirectory()) return;
  throw new KubekeepError('file-missing', target ? `${path} is a folder` : `there is no folder ${dirname(path)}`, { hint: 'Name a file in a folder that is there.' });
}
