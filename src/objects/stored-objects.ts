/** Where etcd has an API server's objects, and which of its keys are none. */
import { builtInResources } from './resources.ts';

/** Before all keys of the API server. */
const root = '/registry/';
/** What does not lie under its own name: an API group is no part of a key, except of custom resources. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['nodes', 'minions'],
  ['services', 'services/specs'],
  ['endpoints', 'services/endpoints'],
  ['replicationcontrollers', 'controllers'],
  ['ingresses.networking.k8s.io', 'ingress'],
  ['apiservices.apiregistration.k8s.io', 'apiregistration.k8s.io/apiservices'],
  ['customresourcedefinitions.apiextensions.k8s.io', 'apiextensions.k8s.io/customresourcedefinitions'],
]);
/** What API servers note for each other and for themselves. */
const notes = ['masterleases', 'peerserverleases', 'ranges'];

export interface ResourceName {
  /** Empty for the core group. */
  readonly group: string;
  /** Plural. */
  readonly resource: string;
}

/** As kubectl has it: "pods", "deployments.apps". */
export function nameOf({ group, resource }: ResourceName): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** The name of an object as it may be shown: of some kinds it may have any letters, and anybody may have chosen them. */
export function shownName(name: string): string {
  return name.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '\uFFFD');
}

/** What stands behind `/registry/` of a resource's keys. */
export function prefixOf({ group, resource, custom }: ResourceName & { readonly custom: boolean }): string {
  return custom ? `${group}/${resource}` : (elsewhere.get(nameOf({ group, resource })) ?? resource);
}

/** How many keys lie below each of the prefixes, and below others that are no notes of API servers. */
export function countKeys(keys: Iterable<string>, prefixes: ReadonlySet<string>): { readonly known: ReadonlyMap<string, number>; readonly others: ReadonlyMap<string, number> } {
  const known = new Map<string, number>();
  const others = new Map<string, number>();
  for (const key of keys) {
    if (!key.startsWith(root)) continue;
    const [first = '', second = ''] = key.slice(root.length).split('/');
    const prefix = [`${first}/${second}`, first].find((one) => prefixes.has(one));
    if (prefix !== undefined) known.set(prefix, (known.get(prefix) ?? 0) + 1);
    else if (!notes.includes(first)) others.set(first, (others.get(first) ?? 0) + 1);
  }
  return { known, others };
}

/** Where etcd has the objects of a resource: of all namespaces, or of one. */
export function keysBelow(resource: ResourceName & { readonly custom: boolean }, namespace?: string): string {
  return keyText(`${root}${prefixOf(resource)}/${namespace === undefined ? '' : `${namespace}/`}`);
}

/** A part of a key as all keys are texts here: a letter for each of its bytes. In RBAC a name may have other letters than those of ASCII. */
export function keyText(name: string): string {
  return Buffer.from(name).toString('latin1');
}

function nameText(key: string): string {
  // Nearly all are the same in both.
  return /[\x80-\xff]/.test(key) ? Buffer.from(key, 'latin1').toString() : key;
}

/** An object by where it lies. */
export interface ObjectName extends ResourceName {
  /** Empty where it lies in none. */
  readonly namespace: string;
  readonly name: string;
}

const placed = new Map(builtInResources.map((one) => [prefixOf(one), one]));

/** Undefined of keys that are no objects. Custom resources are known by the group in their key. */
export function objectNameOf(key: string): ObjectName | undefined {
  if (!key.startsWith(root)) return undefined;
  const parts = nameText(key.slice(root.length)).split('/');
  const twofold = placed.get(`${parts[0]}/${parts[1]}`);
  const known = twofold ?? placed.get(parts[0]!);
  const custom = known === undefined && parts[0]!.includes('.') && parts.length > 2;
  if (!known && (!custom && notes.includes(parts[0]!))) return undefined;
  const left = parts.length - (twofold || custom ? 2 : 1);
  if (left < 1 || left > 2) return undefined;
  const { group, resource } = known ?? (custom ? { group: parts[0]!, resource: parts[1]! } : { group: '', resource: parts[0]! });
  return { group, resource, namespace: left === 2 ? parts.at(-2)! : '', name: parts.at(-1)! };
}
