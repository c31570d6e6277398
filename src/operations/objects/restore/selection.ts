import type { JsonObject } from '../../../objects/json.ts';
import { nameOf, shownName, type ObjectName } from '../../../objects/stored-objects.ts';

/** What was asked for, as a point has it. */
export interface Selection {
  /** Whether one object was asked for by its name. */
  readonly named: boolean;
  readonly objects: readonly SelectedObject[];
  /** Namespaces, definitions of custom resources and volumes of then, by their ids: others may need them. */
  readonly beside: ReadonlyMap<string, SelectedObject>;
}

export interface SelectedObject {
  readonly name: ObjectName;
  /** None where it cannot be read. */
  readonly object: JsonObject | undefined;
  /** Why it cannot be read. */
  readonly why: string | undefined;
}

/** Of an object among all: "deployments.apps/shop/web". */
export function idOf(name: ObjectName): string {
  return `${nameOf(name)}/${name.namespace}/${name.name}`;
}

/** For sentences: "deployments.apps/web in shop". */
export function calledBy(name: ObjectName): string {
  return `${nameOf(name)}/${shownName(name.name)}${name.namespace === '' ? '' : ` in ${name.namespace}`}`;
}

export const namespaceNamed = (name: string): ObjectName => ({ group: '', resource: 'namespaces', namespace: '', name });
export const volumeNamed = (name: string): ObjectName => ({ group: '', resource: 'persistentvolumes', namespace: '', name });
export const definitionNamed = (name: string): ObjectName => ({ group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', namespace: '', name });
