import { goodBases, type Base, type Point } from '../../backup/points.ts';
import { changedFields, type ChangedField } from '../../objects/changed-fields.ts';
import { decodeValue, type DecodedValue } from '../../objects/decode-value.ts';
import type { EncryptionKeys } from '../../objects/encrypted-value.ts';
import type { HideSecrets } from '../../objects/hide-secrets.ts';
import { withoutNoise } from '../../objects/noise.ts';
import { writtenBy } from '../../objects/written-by.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { logChanges } from './log-changes.ts';
import type { LogGap } from './log-parts.ts';
import { stateAt } from './object-state.ts';
import type { OpenObjects } from './open-objects.ts';

/** One thing that happened to an object, or a time of which nothing is known. */
export type HistoryEntry = HistoryRevision | LogGap;

export interface HistoryRevision {
  readonly kind: 'there' | 'made' | 'changed' | 'deleted';
  readonly revision: number;
  /** Unix time in ms at which the capturer had it; none of what was there before the log began. */
  readonly time: number | undefined;
  /** Who wrote it, as managedFields have it: "kubectl-client-side-apply". */
  readonly manager: string | undefined;
  /** Compared with the revision before, without who manages which field. */
  readonly changes: readonly ChangedField[];
  /** Why this state of it cannot be read. */
  readonly why: string | undefined;
}

export interface HistoryOptions {
  readonly key: string;
  /** Where it begins: the point, or the oldest one of the timeline that it belongs to. */
  readonly since: Point | undefined;
  readonly upTo: Point;
  readonly encryptionKeys: EncryptionKeys;
  readonly hide: HideSecrets;
}

/** What the log says of an object, from the oldest base on or from a point. */
export async function objectHistory(operation: ReadOperation, { repository, keys }: OpenObjects, { key, since, upTo, encryptionKeys, hide }: HistoryOptions): Promise<readonly HistoryEntry[]> {
  const { timeline } = upTo.base;
  const start = since?.base.timeline === timeline ? since : pointOf(oldestOf(goodBases(repository.chain), timeline));
  const wanted = new Set([key]);
  const before = (await stateAt(operation, repository, { point: start, keys }).values(wanted)).get(key);
  const history: HistoryEntry[] = [];
  const decode = (value: Buffer, revision: number) => hidden(decodeValue({ key, value, revision }, encryptionKeys), hide);
  let last: DecodedValue | undefined = before && decode(before.value, before.revision);
  if (before && last) history.push({ kind: 'there', revision: before.revision, time: undefined, manager: writtenBy(last.object, undefined), changes: [], why: last.object ? undefined : last.why });
  for await (const one of logChanges(operation, repository, keys, { timeline, after: start.revision, upTo: upTo.revision }, wanted)) {
    if (one.kind === 'gap') {
      history.push(one);
      continue;
    }
    const { revision, time, value } = one;
    const now = value && decode(value, revision);
    if (now) history.push({ kind: last ? 'changed' : 'made', revision, time, manager: writtenBy(now.object, last?.object), changes: changesOf(last, now), why: now.object ? undefined : now.why });
    else history.push({ kind: 'deleted', revision, time, manager: undefined, changes: [], why: undefined });
    last = now;
  }
  return history;
}

function oldestOf(bases: readonly Base[], timeline: string): Base {
  return bases.filter((base) => base.timeline === timeline).reduce((oldest, base) => (base.revision < oldest.revision ? base : oldest));
}

function pointOf(base: Base): Point {
  return { base, revision: base.revision, time: base.time };
}

function hidden(decoded: DecodedValue, hide: HideSecrets): DecodedValue {
  return decoded.object ? { ...decoded, object: hide(decoded.object) } : decoded;
}

function changesOf(before: DecodedValue | undefined, now: DecodedValue): readonly ChangedField[] {
  return before?.object && now.object ? changedFields(withoutNoise(before.object, { status: true }), withoutNoise(now.object, { status: true })) : [];
}
