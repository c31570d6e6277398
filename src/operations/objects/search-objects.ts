import type { Point } from '../../backup/points.ts';
import type { ObjectName } from '../../objects/stored-objects.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { logChanges, objectKeys } from './log-changes.ts';
import type { LogGap } from './log-parts.ts';
import { stateAt } from './object-state.ts';
import type { OpenObjects } from './open-objects.ts';
import { textSpans, type FoundText, type TextOptions } from './text-spans.ts';

export interface SearchOptions extends TextOptions {
  /** As it is written, capital letters too. */
  readonly text: string;
  readonly since: Point;
  readonly upTo: Point;
  /** Leases, events and endpoints too. */
  readonly all: boolean;
  readonly wanted: (name: ObjectName) => boolean;
}

export interface FoundTexts {
  /** In the order in which they were first there. */
  readonly found: readonly FoundText[];
  /** Revisions of which it is not known. */
  readonly gaps: readonly LogGap[];
}

/** Looks for a text in names, labels and annotations, in what was there at one point and in each revision up to another one of its timeline. */
export async function searchObjects(operation: ReadOperation, { repository, keys }: OpenObjects, { text, since, upTo, all, wanted, ...options }: SearchOptions): Promise<FoundTexts> {
  const isWanted = objectKeys({ all, wanted });
  const { found, note } = textSpans(text, options);
  const { timeline } = upTo.base;
  const start = since.base.timeline === timeline ? since : { base: upTo.base, revision: upTo.base.revision, time: upTo.base.time };
  for await (const values of stateAt(operation, repository, { point: start, keys }).each(isWanted)) for (const [key, value] of values) note(key, { ...value, time: undefined });
  const gaps: LogGap[] = [];
  for await (const one of logChanges(operation, repository, keys, { timeline, after: start.revision, upTo: upTo.revision }, isWanted)) {
    if (one.kind === 'gap') gaps.push(one);
    else note(one.key, one);
  }
  return { found: found(), gaps };
}
