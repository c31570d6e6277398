import { compareText } from '../../../lib/compare-text.ts';
import { at, isList, isObject, textOf, type JsonObject } from '../../../objects/json.ts';
import { builtInResources } from '../../../objects/resources.ts';
import { customResource } from '../../../objects/find-resource.ts';
import { nameOf, type ObjectName } from '../../../objects/stored-objects.ts';
import { without } from '../../../objects/manifest.ts';
import type { SameCluster } from '../same-cluster.ts';
import { whyLeftOut } from './left-out.ts';
import { pathOf, type Living, type Sought } from './living.ts';
import { orderOf } from './restore-order.ts';
import { restoredObject } from './restored-object.ts';
import { calledBy, definitionNamed, idOf, namespaceNamed, volumeNamed, type SelectedObject, type Selection } from './selection.ts';

/** What becomes of an object that is there already and not the same. */
export const conflictWays = ['skip', 'replace', 'merge', 'fail'] as const;
export type OnConflict = (typeof conflictWays)[number];

export interface RestoreWish {
  /** Another namespace for all of them. */
  readonly to: string | undefined;
  readonly onConflict: OnConflict;
  readonly withStatus: boolean;
}

/** A wish, and whether it is for the cluster of the backup. */
export interface PlannedWish extends RestoreWish {
  readonly cluster: SameCluster;
}

export interface RestorePlan {
  /** In the order in which they are made. */
  readonly steps: readonly RestoreStep[];
  readonly left: readonly LeftOut[];
}

export interface RestoreStep {
  /** `create`: it is not there. `release`: a volume is made free for the claim that it had. The others are for what is there and not the same. */
  readonly action: 'create' | 'release' | OnConflict;
  /** Where it goes. */
  readonly name: ObjectName;
  /** Of the object in the API. */
  readonly path: string;
  /** Without owners. */
  readonly object: JsonObject;
  readonly status: JsonObject | undefined;
  readonly owners: readonly OwnerWish[];
  /** What is not as it was then, and why it is restored where nobody asked for it. */
  readonly notes: readonly string[];
  /** How it can be checked before anything is written: in its place, in the namespace `default`, or only when what it stands on is there. */
  readonly check: 'in-place' | 'stand-in' | 'later';
  readonly order: number;
  /** What is there. */
  readonly living: JsonObject | undefined;
}

/** An owner by its uid, or by the id of the step that makes it. */
export type OwnerWish = { readonly reference: JsonObject } & ({ readonly uid: string } | { readonly step: string });

export interface LeftOut {
  readonly name: ObjectName;
  readonly why: string;
  /** It would have been restored, and cannot be read. */
  readonly unreadable: boolean;
}

/** All that the plan asks of the cluster as it is. */
export function soughtBy(selection: Selection, { to }: Pick<RestoreWish, 'to'>): readonly Sought[] {
  const kinds = kindsOf(selection);
  const found = selection.objects.flatMap(({ name, object }): readonly Sought[] => {
    if (!object) return [];
    const target = targetOf(name, to);
    const volume = nameOf(name) === 'persistentvolumeclaims' ? textOf(at(object, 'spec', 'volumeName')) : '';
    return [
      { name: target, version: versionOf(object) },
      ...(target.namespace === '' ? [] : [{ name: namespaceNamed(target.namespace), version: 'v1' }]),
      ...(builtIn.has(nameOf(name)) ? [] : [{ name: definitionNamed(nameOf(name)), version: 'v1' }]),
      ...(volume === '' ? [] : [{ name: volumeNamed(volume), version: 'v1' }]),
      ...ownersOf(object).flatMap((owner) => {
        const living = ownerName(owner, target.namespace, kinds);
        return living ? [{ name: living, version: textOf(owner['apiVersion']).split('/').at(-1)! }] : [];
      }),
    ];
  });
  return [...new Map(found.map((one) => [idOf(one.name), one])).values()];
}

const builtIn: ReadonlySet<string> = new Set(builtInResources.map(nameOf));

/** What is to be done that a cluster has again what was selected; as data. */
export function planRestore(selection: Selection, living: Living, wish: PlannedWish): RestorePlan {
  const { to } = wish;
  const kinds = kindsOf(selection);
  const left = leftOut(selection, living.objects, to);
  const gone = new Set(left.map(({ name }) => idOf(name)));
  const wanted = selection.objects.flatMap((one) => (one.object && !gone.has(idOf(one.name)) ? [{ name: one.name, object: one.object, notes: [] as readonly string[] }] : []));
  const all = [...wanted, ...neededBy(wanted, selection, living, wish)];
  // One that is there is judged as it is.
  const volumes = new Set(all.filter(({ name }) => nameOf(name) === 'persistentvolumes' && !living.objects.has(idOf(name))).map(({ name }) => name.name));
  const made = new Map(all.map((one) => [textOf(at(one.object, 'metadata', 'uid')), one]));
  const targets = new Set(all.map(({ name }) => idOf(targetOf(name, to))));
  const steps = all.map(({ name, object, notes }) => stepFor({ name, object, notes }, { living, wish, volumes, made, targets, kinds }));
  const released = releases(steps, living);
  const freed = new Set(released.map(({ name }) => idOf(name)));
  return { steps: [...steps.filter(({ name }) => !freed.has(idOf(name))), ...released].toSorted((one, other) => one.order - other.order || compareText(idOf(one.name), idOf(other.name))), left };
}

/** What of a selection is not put back, and why. `living`: what there is of owners. */
export function leftOut(selection: Selection, living: Living['objects'], to?: string): readonly LeftOut[] {
  const selected = new Map(selection.objects.flatMap((one) => (one.object ? [[textOf(at(one.object, 'metadata', 'uid')), one] as const] : [])));
  const kinds = kindsOf(selection);
  return selection.objects.flatMap((one): readonly LeftOut[] => {
    const why = one.object ? leftWhy(one.object, one, { selection, selected, living, kinds, to }) : `it cannot be read: ${one.why}`;
    return why === undefined ? [] : [{ name: one.name, why, unreadable: one.object === undefined }];
  });
}

interface Wanted {
  readonly name: ObjectName;
  readonly object: JsonObject;
  readonly notes: readonly string[];
}

function leftWhy(object: JsonObject, { name }: SelectedObject, { selection, selected, living, kinds, to }: { readonly selection: Selection; readonly selected: ReadonlyMap<string, SelectedObject>; readonly living: Living['objects']; readonly kinds: Kinds; readonly to: string | undefined }): string | undefined {
  const controller = ownersOf(object).find((one) => one['controller'] === true);
  const owner = controller && (selected.get(textOf(controller['uid']))?.name ?? livingOwner(controller, targetOf(name, to).namespace, kinds, living));
  const service = name.resource === 'endpoints' ? selection.objects.find((one) => nameOf(one.name) === 'services' && one.name.namespace === name.namespace && one.name.name === name.name) : undefined;
  return whyLeftOut(name, object, { named: selection.named, controller: owner && `${nameOf(owner)}/${owner.name}`, selected: isObject(at(service?.object, 'spec', 'selector')) });
}

function livingOwner(owner: JsonObject, namespace: string, kinds: Kinds, living: Living['objects']): ObjectName | undefined {
  const name = ownerName(owner, namespace, kinds);
  return name && living.has(idOf(name)) ? name : undefined;
}

/** Namespaces and definitions that are not there, and volumes whose disks should be. Another cluster gets no volume unasked: two clusters would write to one disk. */
function neededBy(wanted: readonly Wanted[], { beside }: Selection, living: Living, { to, cluster }: PlannedWish): readonly Wanted[] {
  const have = new Set(wanted.map(({ name }) => idOf(name)));
  const needed = new Map<string, Wanted>();
  const need = (name: ObjectName, notes: readonly string[]) => {
    const found = beside.get(idOf(name))?.object;
    if (found && !have.has(idOf(name)) && !needed.has(idOf(name))) needed.set(idOf(name), { name, object: found, notes });
  };
  for (const { name, object } of wanted) {
    const target = targetOf(name, to);
    const definition = definitionNamed(nameOf(name));
    if (!living.objects.has(idOf(definition))) need(definition, [`${calledBy(target)} needs it`]);
    if (target.namespace !== '' && !living.objects.has(idOf(namespaceNamed(target.namespace)))) need(namespaceNamed(name.namespace), [`${calledBy(target)} needs it`]);
    const volume = volumeNamed(textOf(at(object, 'spec', 'volumeName')));
    const isOwn = cluster !== 'other' && nameOf(name) === 'persistentvolumeclaims' && target.namespace === name.namespace && !living.objects.has(idOf(target)) && !living.objects.has(idOf(volume));
    if (isOwn && at(beside.get(idOf(volume))?.object, 'spec', 'persistentVolumeReclaimPolicy') === 'Retain') need(volume, [`${calledBy(target)} had it; its disk was to be kept (reclaim policy Retain)`]);
  }
  return [...needed.values()];
}

interface Among {
  readonly living: Living;
  readonly wish: PlannedWish;
  readonly volumes: ReadonlySet<string>;
  /** All that is restored, by the uids of then. */
  readonly made: ReadonlyMap<string, Wanted>;
  /** Ids of all that is restored. */
  readonly targets: ReadonlySet<string>;
  readonly kinds: Kinds;
}

function stepFor({ name, object: then, notes: because }: Wanted, among: Among): RestoreStep {
  const { living, wish, volumes, made } = among;
  const target = targetOf(name, wish.to);
  const { object, notes } = restoredObject(then, { target, source: name, living, volumes, cluster: wish.cluster });
  const now = living.objects.get(idOf(target));
  const { owners, notes: dropped } = ownersFor(then, target, among);
  const status = then['status'];
  const isMerged = nameOf(target) === 'serviceaccounts' && target.name === 'default';
  return {
    // In a new namespace a controller makes this one at the same time.
    action: now ? wish.onConflict : isMerged ? 'merge' : 'create',
    name: target,
    path: pathOf(target, versionOf(object)),
    object,
    status: wish.withStatus && isObject(status) && nameOf(target) !== 'namespaces' ? status : undefined,
    owners: now ? [] : owners,
    notes: [...because, ...(now ? [] : [...notes, ...dropped])],
    check: now ? 'in-place' : checkFor(target, object, among),
    order: orderOf(target, depthOf(then, made)),
    living: now,
  };
}

function checkFor(target: ObjectName, object: JsonObject, { living, targets }: Among): RestoreStep['check'] {
  const comes = (name: ObjectName) => !living.objects.has(idOf(name)) && targets.has(idOf(name));
  if (comes(definitionNamed(nameOf(target)))) return 'later';
  const isNew = target.namespace !== '' && comes(namespaceNamed(target.namespace));
  if (nameOf(target) === 'pods') {
    const needs = ([['', 'serviceaccounts', target.namespace, 'serviceAccountName'], ['scheduling.k8s.io', 'priorityclasses', '', 'priorityClassName'], ['node.k8s.io', 'runtimeclasses', '', 'runtimeClassName']] as const).map(([group, resource, namespace, field]) => ({ group, resource, namespace, name: textOf(at(object, 'spec', field)) }));
    if (isNew || needs.some(comes)) return 'later';
  }
  return isNew ? 'stand-in' : 'in-place';
}

/** Owners that are there, or will be, by their new uids. The others are dropped with a word: the garbage collector would take what they own. */
function ownersFor(then: JsonObject, target: ObjectName, { living, made, kinds, wish }: Among): { readonly owners: readonly OwnerWish[]; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const owners = ownersOf(then).flatMap((owner): readonly OwnerWish[] => {
    const { uid, ...reference } = owner;
    const restored = made.get(textOf(uid));
    if (restored) return [{ reference: { ...reference, name: targetOf(restored.name, wish.to).name }, step: idOf(targetOf(restored.name, wish.to)) }];
    const name = ownerName(owner, target.namespace, kinds);
    const now = name && living.objects.get(idOf(name));
    if (now) return [{ reference, uid: textOf(at(now, 'metadata', 'uid')) }];
    notes.push(`without its owner ${textOf(owner['kind'])} ${textOf(owner['name'])}, which is gone`);
    return [];
  });
  return { owners, notes };
}

function depthOf(object: JsonObject, made: ReadonlyMap<string, Wanted>, seen: ReadonlySet<JsonObject> = new Set()): number {
  if (seen.has(object)) return 0;
  const above = ownersOf(object).flatMap(({ uid }) => made.get(textOf(uid)) ?? []);
  return above.length === 0 ? 0 : 1 + Math.max(...above.map((one) => depthOf(one.object, made, new Set([...seen, object]))));
}

/** A volume that is kept remembers the uid of the claim that was deleted, and would serve no other. This is done with it, whatever else was wished. */
function releases(steps: readonly RestoreStep[], { objects }: Living): readonly RestoreStep[] {
  return steps.flatMap((step): readonly RestoreStep[] => {
    if (nameOf(step.name) !== 'persistentvolumeclaims' || step.living) return [];
    const name = volumeNamed(textOf(at(step.object, 'spec', 'volumeName')));
    const now = objects.get(idOf(name));
    const claim = at(now, 'spec', 'claimRef');
    if (!now || !isObject(claim) || claim['uid'] === undefined) return [];
    const object = { ...now, spec: { ...without(now['spec'], []), claimRef: without(claim, ['uid', 'resourceVersion']) } };
    return [{ action: 'release', name, path: pathOf(name, 'v1'), object, status: undefined, owners: [], notes: [`free again for ${calledBy(step.name)}, whose volume it was`], check: 'in-place', order: orderOf(name, 0), living: now }];
  });
}

/** Resources by "apiVersion kind" without the version. */
type Kinds = ReadonlyMap<string, { readonly group: string; readonly resource: string; readonly namespaced: boolean }>;

function kindsOf({ beside }: Selection): Kinds {
  const custom = [...beside.values()].flatMap(({ object }) => (object?.['kind'] === 'CustomResourceDefinition' ? [customResource(object)] : []));
  return new Map([...builtInResources, ...custom].map((one) => [`${one.group} ${one.kind}`, one]));
}

function ownerName(owner: JsonObject, namespace: string, kinds: Kinds): ObjectName | undefined {
  const group = textOf(owner['apiVersion']).split('/').slice(0, -1).join('/');
  const kind = kinds.get(`${group} ${textOf(owner['kind'])}`);
  return kind && { group: kind.group, resource: kind.resource, namespace: kind.namespaced ? namespace : '', name: textOf(owner['name']) };
}

/** A StatefulSet takes its claims and makes those that are not there: they come before it, and it becomes their owner by itself. */
function ownersOf(object: JsonObject): readonly JsonObject[] {
  const owners = at(object, 'metadata', 'ownerReferences');
  const isOfSet = (owner: JsonObject) => object['kind'] === 'PersistentVolumeClaim' && owner['kind'] === 'StatefulSet';
  return isList(owners) ? owners.filter(isObject).filter((owner) => !isOfSet(owner)) : [];
}

function targetOf(name: ObjectName, to: string | undefined): ObjectName {
  if (to === undefined) return name;
  if (nameOf(name) === 'namespaces') return { ...name, name: to };
  return name.namespace === '' ? name : { ...name, namespace: to };
}

function versionOf(object: JsonObject): string {
  return textOf(object['apiVersion']).split('/').at(-1)!;
}
