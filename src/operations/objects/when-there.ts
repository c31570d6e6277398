import { logEnd } from '../../backup/change-log/coverage.ts';
import type { Point } from '../../backup/points.ts';
import type { Operation } from '../operation.ts';
import { logChanges } from './log-changes.ts';
import type { OpenObjects } from './open-objects.ts';

export interface WhenThere {
  /** It was deleted at this revision, the last time before the point, and was there at the one before. */
  readonly deleted: number | undefined;
  /** It was written at this revision, the first time after the point. */
  readonly made: number | undefined;
}

/** When a key had a value that had none at a point, as far as the log from the point's base on says. */
export async function whenThere(operation: Pick<Operation, 'signal' | 'progress'>, { repository, keys }: OpenObjects, { base: { timeline, revision: after }, revision }: Point, key: string): Promise<WhenThere> {
  let deleted: number | undefined;
  for await (const one of logChanges(operation, repository, keys, { timeline, after, upTo: logEnd(repository.chain.entries, timeline) ?? after }, new Set([key]))) {
    if (one.kind === 'gap') continue;
    if (one.revision <= revision && !one.value) deleted = one.revision;
    if (one.revision > revision && one.value) return { deleted, made: one.revision };
  }
  return { deleted, made: undefined };
}
