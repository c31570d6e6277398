import type { LabelSelector } from '../../../objects/label-selector.ts';
import type { Resource } from '../../../objects/resources.ts';
import { keysBelow, nameOf, objectNameOf } from '../../../objects/stored-objects.ts';
import type { ObjectState } from '../object-state.ts';
import { keyOf, takeObjects, type FindKeys, type FoundObject } from '../read-objects.ts';
import { definitionNamed, idOf, namespaceNamed, volumeNamed, type SelectedObject, type Selection } from './selection.ts';

/** What is asked for: a kind or several, one object, or a namespace with everything in it. */
export interface ObjectsWish {
  /** One where a name is given. */
  readonly resources: readonly Resource[];
  /** One object: of a namespace everything in it is meant too. */
  readonly name: string | undefined;
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined;
  readonly selector: LabelSelector | undefined;
}

/** What of a state was asked for, and what others may need. Objects that cannot be read are among them where no labels are asked for. */
export async function selectObjects(state: ObjectState, wish: ObjectsWish, keys: FindKeys): Promise<Selection> {
  const wanted = wantedKeys(wish);
  const beside = [namespaceNamed(''), volumeNamed(''), definitionNamed('')].map((one) => keysBelow({ ...one, custom: false }));
  const asked = new Set<string>();
  const all = await takeObjects(state, (key) => wanted(key) || beside.some((start) => key.startsWith(start)), keys, (found, key) => {
    if (wanted(key)) asked.add(idOf(found.name));
    return selected(found);
  });
  const { selector } = wish;
  return {
    named: wish.name !== undefined && !isNamespace(wish),
    objects: all.filter(({ name, object }) => asked.has(idOf(name)) && (!selector || (object && selector(object)))),
    beside: new Map(all.filter(({ name }) => ['namespaces', 'persistentvolumes', 'customresourcedefinitions.apiextensions.k8s.io'].includes(nameOf(name))).map((one) => [idOf(one.name), one])),
  };
}

function selected(found: FoundObject): SelectedObject {
  return { name: found.name, object: found.object, why: found.object ? undefined : found.why };
}

function wantedKeys(wish: ObjectsWish): (key: string) => boolean {
  const { resources, name, namespace } = wish;
  if (name === undefined) {
    const starts = resources.map((one) => keysBelow(one, one.namespaced ? namespace : undefined));
    return (key) => starts.some((start) => key.startsWith(start));
  }
  const key = keyOf(resources[0]!, namespace ?? 'default', name);
  return isNamespace(wish) ? (one) => one === key || objectNameOf(one)?.namespace === name : (one) => one === key;
}

function isNamespace({ resources: [resource] }: ObjectsWish): boolean {
  return nameOf(resource!) === 'namespaces';
}
