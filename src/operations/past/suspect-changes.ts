import { objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { HideSecrets } from '../../objects/hide-secrets.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { logChanges } from '../objects/log-changes.ts';
import type { LogGap } from '../objects/log-parts.ts';
import { objectHistory, type HistoryRevision } from '../objects/object-history.ts';
import type { OpenObjects } from '../objects/open-objects.ts';
import { pointAt } from './writable-revisions.ts';

/** What was done between the last good revision and the first bad one. */
export interface Suspects {
  readonly changes: readonly SuspectChange[];
  /** Objects that were changed too, and are left out. */
  readonly more: number;
  /** Revisions between of which it is not known. */
  readonly gaps: readonly LogGap[];
}

export interface SuspectChange extends HistoryRevision {
  readonly name: ObjectName;
}

export interface SuspectOptions {
  readonly timeline: string;
  readonly good: number;
  readonly bad: number;
  readonly hide: HideSecrets;
}

/** Of so many objects it is looked up what was changed. */
const mostObjects = 20;

export async function suspectChanges(operation: ReadOperation, open: OpenObjects, { timeline, good, bad, hide }: SuspectOptions): Promise<Suspects> {
  const keys = new Set<string>();
  const gaps: LogGap[] = [];
  for await (const one of logChanges(operation, open.repository, open.keys, { timeline, after: good, upTo: bad }, (key) => objectNameOf(key) !== undefined)) {
    if (one.kind === 'gap') gaps.push(one);
    else keys.add(one.key);
  }
  const [since, upTo] = [good, bad].map((revision) => pointAt(open.repository.chain, timeline, revision)) as [ReturnType<typeof pointAt>, ReturnType<typeof pointAt>];
  const changes: SuspectChange[] = [];
  for (const key of [...keys].slice(0, mostObjects)) {
    const history = await objectHistory(operation, open, { key, since, upTo, encryptionKeys: await open.encryptionKeys(), hide });
    changes.push(...history.flatMap((one) => (one.kind === 'gap' || one.kind === 'there' ? [] : [{ ...one, name: objectNameOf(key)! }])));
  }
  return { changes: changes.toSorted((one, other) => one.revision - other.revision), more: Math.max(0, keys.size - mostObjects), gaps };
}
