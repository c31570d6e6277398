import type { Point } from '../../backup/points.ts';
import { decodeValue } from '../../objects/decode-value.ts';
import { at, isList, textOf, type JsonObject } from '../../objects/json.ts';
import { nameOf, objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { logChanges, objectKeys } from './log-changes.ts';
import type { LogGap } from './log-parts.ts';
import { stateAt } from './object-state.ts';
import type { OpenObjects } from './open-objects.ts';

export interface DeletedObject extends ObjectName {
  readonly revision: number;
  /** Unix time in ms. */
  readonly time: number;
  /** The last revision at which it was there; of a namespace the last before it was being deleted, with all that was in it. */
  readonly before: number;
  /** When something of that name was made again. */
  readonly madeAgain: number | undefined;
  /** Its controller ("ReplicaSet/web-1"), which makes others, or the namespace that it was deleted with ("namespaces/shop"): it comes back with that. */
  readonly wentWith: string | undefined;
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
export async function deletedObjects(operation: ReadOperation, open: OpenObjects, { since, upTo, all, wanted }: DeletedOptions): Promise<DeletedObjects> {
  const { timeline } = upTo.base;
  const start = since.base.timeline === timeline ? since : { base: upTo.base, revision: upTo.base.revision, time: upTo.base.time };
  const latest = new Map<string, Deletion>();
  const gaps: LogGap[] = [];
  const done: Deletion[] = [];
  const written = new Map<string, Value[]>();
  const isWanted = objectKeys({ all, wanted });
  for await (const one of logChanges(operation, open.repository, open.keys, { timeline, after: start.revision, upTo: upTo.revision }, (key) => isWanted(key) || key.startsWith(namespaces))) {
    if (one.kind === 'gap') {
      gaps.push(one);
      continue;
    }
    const { key, revision, time, value } = one;
    if (value) {
      const known = latest.get(key);
      if (known) known.madeAgain ??= revision;
      // Of namespaces it is asked later when they began to go.
      written.set(key, [...(key.startsWith(namespaces) ? (written.get(key) ?? []) : []), { value, revision }]);
      continue;
    }
    const found = { key, revision, time, madeAgain: undefined, values: written.get(key) };
    written.delete(key);
    latest.set(key, found);
    done.push(found);
  }
  return { deleted: await told(operation, open, start, done, isWanted), gaps };
}

const namespaces = '/registry/namespaces/';

interface Value {
  readonly value: Buffer;
  readonly revision: number;
}

interface Deletion {
  readonly key: string;
  readonly revision: number;
  readonly time: number;
  madeAgain: number | undefined;
  /** What the log has of it: the last value, of a namespace all. */
  readonly values: readonly Value[] | undefined;
}

async function told(operation: ReadOperation, { repository, keys }: OpenObjects, start: Point, done: readonly Deletion[], isWanted: (key: string) => boolean): Promise<readonly DeletedObject[]> {
  const unread = new Set(done.filter(({ values }) => values === undefined).map(({ key }) => key));
  const before = await stateAt(operation, repository, { point: start, keys }).values(unread);
  const objectsOf = ({ key, values }: Deletion) => [...(values ?? []), ...(values === undefined && before.has(key) ? [before.get(key)!] : [])].flatMap(({ value, revision }): readonly JsonObject[] => {
    const { object } = decodeValue({ key, value, revision });
    return object ? [object] : [];
  });
  const goings = new Map(done.filter(({ key }) => key.startsWith(namespaces)).map((one) => [one, firstMarked(objectsOf(one))]));
  return done.filter(({ key }) => isWanted(key)).map((one) => {
    const { key, revision, time, madeAgain } = one;
    const name = objectNameOf(key)!;
    const within = [...goings].find(([going, marked]) => marked !== undefined && going.key === `${namespaces}${name.namespace}` && marked <= revision && revision <= going.revision);
    const marked = goings.get(one);
    return { ...name, revision, time, before: (marked ?? revision) - 1, madeAgain, wentWith: within ? `${nameOf(objectNameOf(within[0].key)!)}/${name.namespace}` : controllerOf(objectsOf(one).at(-1)) };
  });
}

/** The first of these states of an object in which it was being deleted; undefined where no other one is before that. */
function firstMarked(objects: readonly JsonObject[]): number | undefined {
  const first = objects.findIndex(({ metadata }) => at(metadata, 'deletionTimestamp') !== undefined);
  return first === -1 ? undefined : Number(textOf(at(objects[first], 'metadata', 'resourceVersion')));
}

function controllerOf(object: JsonObject | undefined): string | undefined {
  const owners = at(object, 'metadata', 'ownerReferences');
  const controller = isList(owners) ? owners.find((one) => at(one, 'controller') === true) : undefined;
  return controller === undefined ? undefined : `${textOf(at(controller, 'kind'))}/${textOf(at(controller, 'name'))}`;
}
