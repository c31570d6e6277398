import { join } from 'node:path';
import { captureKeys } from '../../backup/captures.ts';
import { logRanges } from '../../backup/change-log/coverage.ts';
import { basesOf, refuseDiverged, resolvePoint, type Point } from '../../backup/points.ts';
import type { Store } from '../../backup/store/store.ts';
import { openToRead } from '../backup/open-backup.ts';
import { writePoint } from '../backup/write-point.ts';
import type { Operation } from '../operation.ts';
import type { SeenRevision } from './choose-floor.ts';
import type { RestoreRecord } from './restore-record.ts';
import { readSnapshotFile, type SnapshotFile } from './snapshot-file.ts';

/** A point of the repository, in a file of this computer. */
export interface Source {
  readonly point: Point;
  readonly file: SnapshotFile;
  /** The highest revision that the repository has, of whatever timeline. */
  readonly newest: SeenRevision;
}

/** Writes the point into `folder`, in clear text, mode 0600: the one that a restore was `begun` with, where there is one. Throws `point-missing` and what reading a repository throws. */
export async function writeSource(operation: Operation, store: Store, { at, folder, begun }: { readonly at: string; readonly folder: string; readonly begun: RestoreRecord['point'] }): Promise<Source> {
  const { repository, identity } = await openToRead(operation, store);
  const keys = captureKeys(repository, identity);
  const bases = basesOf(repository.chain);
  const base = bases.find(({ number }) => number === begun?.base);
  if (begun) refuseDiverged(repository.chain, begun.base);
  const point = begun && base ? { base, revision: begun.revision, time: begun.time } : await resolvePoint(repository, at, keys);
  const path = join(folder, 'point.db');
  operation.progress({ type: 'note', title: `reading revision ${point.revision} from ${store.place}`, step: 'restore/point' });
  await writePoint(operation, repository, { point, path, keys });
  const newest = [...bases.map(({ revision }) => revision), ...logRanges(repository.chain).map(({ last }) => last)].reduce((most, one) => Math.max(most, one));
  return { point, file: await readSnapshotFile(path, operation.signal), newest: { revision: newest, where: 'the repository' } };
}
