import type { Point } from '../../backup/points.ts';
import type { KeyValue } from '../../bolt/newest-values.ts';
import { changedFields, type ChangedField } from '../../objects/changed-fields.ts';
import { decodeValue, type DecodedValue } from '../../objects/decode-value.ts';
import { encryptedWith } from '../../objects/encrypted-value.ts';
import type { HideSecrets } from '../../objects/hide-secrets.ts';
import type { LabelSelector } from '../../objects/label-selector.ts';
import { withoutNoise } from '../../objects/noise.ts';
import { nameOf, objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { objectKeys } from './log-changes.ts';
import { logParts } from './log-parts.ts';
import { newestChanges } from './newest-changes.ts';
import { allOf, stateAt, there, type ObjectState } from './object-state.ts';
import type { OpenObjects } from './open-objects.ts';

/** An object that is not in both states, or not the same in both. */
export interface ObjectDifference {
  readonly kind: 'appeared' | 'went' | 'changed';
  readonly name: ObjectName;
  /** That wrote it last in each state where it is. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** Of one that changed. */
  readonly changes: readonly ChangedField[];
  /** Why it cannot be compared. */
  readonly why: string | undefined;
}

export interface DifferenceOptions {
  readonly from: Point;
  readonly to: Point;
  readonly wanted: (name: ObjectName) => boolean;
  readonly selector: LabelSelector | undefined;
  /** Leases, events and endpoints too, and status, generation and managedFields. */
  readonly all: boolean;
  readonly hide: HideSecrets;
}

/** What is different between two points. Where the log leads from the one to the other, only what it has is looked at. */
export async function objectDifferences(operation: ReadOperation, open: OpenObjects, { from, to, all, wanted, ...options }: DifferenceOptions): Promise<readonly ObjectDifference[]> {
  const [before, after] = await valuesOfBoth(operation, open, { from, to }, objectKeys({ all, wanted }));
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key)?.revision !== after.get(key)?.revision);
  const sealed = keys.some((key) => [before, after].some((values) => encryptedWith(values.get(key)?.value ?? Buffer.alloc(0)) !== undefined));
  const encryptionKeys = sealed ? await open.encryptionKeys() : undefined;
  const decode = (key: string, found: KeyValue | undefined) => found && decodeValue({ key, value: found.value, revision: found.revision }, encryptionKeys);
  const found = keys.flatMap((key) => difference(objectNameOf(key)!, [decode(key, before.get(key)), decode(key, after.get(key))], { revisions: [before.get(key)?.revision, after.get(key)?.revision], all, ...options }) ?? []);
  return inOrder(found);
}

/** By namespace, kind and name. */
export function inOrder(found: readonly ObjectDifference[]): readonly ObjectDifference[] {
  const order = ({ name }: ObjectDifference) => [name.namespace, nameOf(name), name.name].join('\0');
  return found.toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
}

type Values = ReadonlyMap<string, KeyValue>;

async function valuesOfBoth(operation: ReadOperation, { repository, keys }: OpenObjects, { from, to }: { readonly from: Point; readonly to: Point }, wanted: (key: string) => boolean): Promise<readonly [Values, Values]> {
  const [before, after] = [from, to].map((point): ObjectState => stateAt(operation, repository, { point, keys })) as [ObjectState, ObjectState];
  const range = { timeline: to.base.timeline, after: from.revision, upTo: to.revision };
  const leads = from.base.timeline === range.timeline && from.revision <= to.revision && logParts(repository, range).every(({ kind }) => kind === 'segment');
  if (leads) {
    const changed = await newestChanges(operation, repository, keys, range, wanted);
    return [await before.values(new Set(changed.keys())), new Map(there(changed))];
  }
  return [await allOf(before.each(wanted)), await allOf(after.each(wanted))];
}

/** What is different between two states of an object; undefined where nothing is that counts. */
export function difference(name: ObjectName, [before, after]: readonly [DecodedValue | undefined, DecodedValue | undefined], { revisions, selector, all, hide }: { readonly revisions: readonly [number | undefined, number | undefined] } & Pick<DifferenceOptions, 'selector' | 'all' | 'hide'>): ObjectDifference | undefined {
  const both = [before, after].flatMap((one) => (one?.object ? [one.object] : []));
  if (selector && !both.some(selector)) return undefined;
  const why = [before, after].flatMap((one) => (one && !one.object ? [one.why] : []))[0];
  const kind = before ? (after ? 'changed' : 'went') : 'appeared';
  const [old, now] = both.map((object) => (all ? hide(object) : withoutNoise(hide(object), { status: false })));
  const changes = kind === 'changed' && why === undefined ? changedFields(old, now) : [];
  if (kind === 'changed' && changes.length === 0 && why === undefined) return undefined;
  return { kind, name, before: revisions[0], after: revisions[1], changes, why };
}
