import type { KeyValue } from '../../bolt/newest-values.ts';
import { compareText } from '../../lib/compare-text.ts';
import { decodeValue, type DecodedValue } from '../../objects/decode-value.ts';
import { encryptedWith, type EncryptionKeys } from '../../objects/encrypted-value.ts';
import { customResource, noResource, resourceCalled } from '../../objects/find-resource.ts';
import type { LabelSelector } from '../../objects/label-selector.ts';
import type { Resource } from '../../objects/resources.ts';
import { keysBelow, keyText, objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import { allOf, type ObjectState } from './object-state.ts';

/** An object, or what stands where one should be. */
export type FoundObject = DecodedValue & {
  readonly name: ObjectName;
  /** That wrote it last. */
  readonly revision: number;
};

export interface ObjectQuery {
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined;
  readonly selector?: LabelSelector | undefined;
}

/** How values that are encrypted are opened: asked for where there is one. */
export type FindKeys = () => Promise<EncryptionKeys>;

/** The resources that a word of the user names ("deploy", "pods,services"). Custom ones are looked for where a word names no built-in one. Throws `usage`. */
export async function findResources(state: ObjectState, words: string): Promise<readonly Resource[]> {
  return resourcesCalled(words, () => customResources(state));
}

/** The same, with the custom resources from wherever. */
export async function resourcesCalled(words: string, findCustom: () => Promise<readonly Resource[]>): Promise<readonly Resource[]> {
  let custom: readonly Resource[] | undefined;
  const found: Resource[] = [];
  for (const word of words.split(',').map((one) => one.trim())) {
    const builtIn = resourceCalled(word);
    custom = builtIn ? custom : (custom ?? (await findCustom()));
    const one = builtIn ?? resourceCalled(word, custom);
    if (!one) throw noResource(word, custom ?? []);
    found.push(one);
  }
  return found;
}

/** Those that were defined. */
export async function customResources(state: ObjectState): Promise<readonly Resource[]> {
  const below = keysBelow(resourceCalled('customresourcedefinitions')!);
  const values = await allOf(state.each((key) => key.startsWith(below)));
  return [...values].flatMap(([key, { value, revision }]) => {
    const { object } = decodeValue({ key, value, revision });
    return object ? [customResource(object)] : [];
  });
}

/** What `take` makes of the objects of a kind, by namespace and name; only that is kept of each. One that cannot be read has no labels, and is left out where a selector asks for some. */
export async function findObjects<T extends object>(state: ObjectState, resource: Resource, { namespace, selector }: ObjectQuery, keys: FindKeys, take: (found: FoundObject) => T): Promise<readonly T[]> {
  const below = keysBelow(resource, resource.namespaced ? namespace : undefined);
  return takeObjects(state, (key) => key.startsWith(below), keys, (found) => (!selector || (found.object && selector(found.object)) ? take(found) : undefined));
}

/** The same of the objects at the keys that are wanted, whatever their kinds are, without those of which `take` makes nothing. */
export async function takeObjects<T extends object>({ each }: Pick<ObjectState, 'each'>, wanted: (key: string) => boolean, keys: FindKeys, take: (found: FoundObject, key: string) => T | undefined): Promise<readonly T[]> {
  const taken: { readonly name: ObjectName; readonly what: T }[] = [];
  for await (const values of each(wanted)) {
    // One after the other: decoded they are several times as large.
    for (const [key, value] of values) {
      const found = await decoded(key, value, keys);
      const what = found && take(found, key);
      if (what) taken.push({ name: found.name, what });
    }
  }
  taken.sort(({ name: one }, { name: other }) => compareText(one.namespace, other.namespace) || compareText(one.name, other.name));
  return taken.map(({ what }) => what);
}

/** Undefined where there was none. */
export async function findObject(state: ObjectState, key: string, keys: FindKeys): Promise<FoundObject | undefined> {
  const value = (await state.values(new Set([key]))).get(key);
  return value && decoded(key, value, keys);
}

/** Where an object of that name lies in etcd. */
export function keyOf(resource: Resource, namespace: string, name: string): string {
  return `${keysBelow(resource, resource.namespaced ? namespace : undefined)}${keyText(name)}`;
}

/** Undefined of what is no object. */
async function decoded(key: string, { value, revision }: KeyValue, keys: FindKeys): Promise<FoundObject | undefined> {
  const name = objectNameOf(key);
  return name && { ...decodeValue({ key, value, revision }, encryptedWith(value) === undefined ? undefined : await keys()), name, revision };
}
