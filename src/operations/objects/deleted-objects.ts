import type { Point } from '../../backup/points.ts';
import { objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { logChanges, objectKeys, type LogGap } from './log-changes.ts';
import type { OpenObjects } from './open-objects.ts';

export interface DeletedObject extends ObjectName {
  readonly revision: number;
  /** Unix time in ms. */
  readonly time: number;
  /** The last revision at which it was there. */
  readonly before: number;
  /** When something of that name was made again. */
  readonly madeAgain: number | undefined;
}

export interface DeletedOptions {
  readonly since: Point;
  readonly upTo: Point;
  /** Leases, events and endpoints too. */
  readonly all: boolean;
  readonly wanted: (name: ObjectName) => boolean;
}

export interface DeletedObjects {
  /** In the order in which they were deleted. */
  readonly deleted: readonly DeletedObject[];
  /** Revisions of which it is not known. */
  readonly gaps: readonly LogGap[];
}

/** What was deleted between two points of a timeline. Where the cluster was restored between them, since then. */
export async function deletedObjects(operation: ReadOperation, { repository, keys }: OpenObjects, { since, upTo, all, wanted }: DeletedOptions): Promise<DeletedObjects> {
  const { timeline } = upTo.base;
  const deleted = new Map<string, { madeAgain: number | undefined } & DeletedObject>();
  const gaps: LogGap[] = [];
  const done: DeletedObject[] = [];
  const after = since.base.timeline === timeline ? since.revision : upTo.base.revision;
  for await (const one of logChanges(operation, repository, keys, { timeline, after, upTo: upTo.revision }, objectKeys({ all, wanted }))) {
    if (one.kind === 'gap') {
      gaps.push(one);
      continue;
    }
    const { key, revision, time, value } = one;
    const known = deleted.get(key);
    if (value) {
      if (known) known.madeAgain ??= revision;
      continue;
    }
    const found = { ...objectNameOf(key)!, revision, time, before: revision - 1, madeAgain: undefined };
    deleted.set(key, found);
    done.push(found);
  }
  return { deleted: done, gaps };
}
