import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readLog } from '../../backup/change-log/read-log.ts';
import { moveSnapshot } from '../../backup/move-snapshot.ts';
import type { Point } from '../../backup/points.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { writePoint } from '../backup/write-point.ts';
import { logParts } from '../objects/log-parts.ts';
import type { OpenObjects } from '../objects/open-objects.ts';

/** Snapshots of points that come one after the other, each farther back or ahead than the one before by half as much: made of the last good one where that is less work. */
export interface MovedFile {
  /** Where the snapshot of a point lies, until `settle`. The point is after the last good one. */
  at(point: Point): Promise<string>;
  /** Keeps that snapshot to go on from it, or goes back to the one before. */
  settle(good: boolean): Promise<void>;
}

/** Of a base so many bytes are written while one revision is. */
const bytesPerRevision = 2000;

export function movedFile(operation: Pick<ReadOperation, 'progress' | 'signal'>, { repository, keys }: OpenObjects, folder: string): MovedFile {
  let good: { readonly path: string; readonly revision: number } | undefined;
  let tried: { readonly path: string; readonly revision: number; back(): Promise<void> } | undefined;
  let made = 0;
  const leads = (from: number, { base, revision }: Point) => logParts(repository, { timeline: base.timeline, after: from, upTo: revision }).every(({ kind }) => kind === 'segment');
  return {
    async at(point) {
      const { base, revision } = point;
      if (good && leads(good.revision, point) && revision - good.revision <= revision - base.revision + base.length / bytesPerRevision) {
        const { path } = good;
        const log = readLog(repository, { timeline: base.timeline, first: good.revision + 1, last: revision }, keys);
        tried = { path, revision, back: await moveSnapshot(path, log, { signal: operation.signal, onRevision: () => {} }) };
      } else {
        const path = join(folder, `${(made += 1)}.db`);
        await writePoint(operation, repository, { point, path, keys });
        tried = { path, revision, back: () => rm(path) };
      }
      return tried.path;
    },
    async settle(isGood) {
      if (!isGood) await tried!.back();
      else {
        if (good && good.path !== tried!.path) await rm(good.path);
        good = tried;
      }
      tried = undefined;
    },
  };
}
