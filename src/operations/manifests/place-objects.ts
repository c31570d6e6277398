import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { whereThere } from '../../clients/kubernetes/where-there.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { fewAtOnce } from '../../lib/few-at-once.ts';
import { at, isList } from '../../objects/json.ts';
import { deadline, lanes, pathOf } from '../objects/restore/living.ts';
import { orderOf } from '../objects/restore/restore-order.ts';
import { calledInFile, type Manifest, type ManifestObject } from './read-manifest.ts';

/** An object of a manifest with its place in the API. */
export interface PlacedManifestObject extends Pick<ManifestObject, 'apiVersion' | 'kind' | 'name' | 'object'> {
  readonly file: string;
  /** As it is spoken of. */
  readonly called: string;
  readonly path: string;
  /** Lower ones are made first. */
  readonly order: number;
  /** Where objects of its kind have one. */
  readonly namespace: string | undefined;
  /** The API serves its kind only when a definition of the manifests is there. */
  readonly comes: boolean;
}

interface Kind {
  readonly resource: string;
  readonly namespaced: boolean;
}

type Kinds = ReadonlyMap<string, Kind>;

/** Where the API has the objects of the manifests, in the order in which they are made: definitions and namespaces first, what refuses others last. Throws `api-failed` where it has no such kind. */
export async function placeObjects(api: ApiClient, manifests: readonly Manifest[], signal: AbortSignal): Promise<readonly PlacedManifestObject[]> {
  const all = manifests.flatMap(({ file, objects }) => objects.map((one) => ({ file, one })));
  const served = await servedKinds(api, [...new Set(all.map(({ one }) => one.apiVersion))], signal);
  const coming = comingKinds(all.map(({ one }) => one));
  return all.map(({ file, one }) => placed(file, one, served, coming)).toSorted((a, b) => a.order - b.order);
}

/** Whether the API serves this object's kind now. */
export async function isServed(api: ApiClient, { apiVersion, kind }: Pick<PlacedManifestObject, 'apiVersion' | 'kind'>, signal: AbortSignal): Promise<boolean> {
  return (await servedKinds(api, [apiVersion], signal)).has(`${apiVersion} ${kind}`);
}

function placed(file: string, one: ManifestObject, served: Kinds, coming: Kinds): PlacedManifestObject {
  const key = `${one.apiVersion} ${one.kind}`;
  const kind = served.get(key) ?? coming.get(key);
  if (!kind) throw new KubekeepError('api-failed', `${file}: ${calledInFile(one)}: the API has no ${one.kind} in ${one.apiVersion}`, { hint: 'A definition (CustomResourceDefinition) of it may be missing in the manifest. Nothing was changed.' });
  const [group, version] = one.apiVersion.includes('/') ? (one.apiVersion.split('/') as [string, string]) : ['', one.apiVersion];
  const namespace = kind.namespaced ? one.namespace ?? 'default' : undefined;
  return {
    ...one,
    file,
    called: calledInFile({ ...one, namespace }),
    path: pathOf({ group, resource: kind.resource, namespace: namespace ?? '', name: one.name }, version),
    order: orderOf({ group, resource: kind.resource }, 0),
    namespace,
    comes: !served.has(key),
  };
}

async function servedKinds(api: ApiClient, versions: readonly string[], signal: AbortSignal): Promise<Kinds> {
  const lists = await fewAtOnce(versions, lanes, async (version) => {
    const found = await whereThere(api.get<ResourceList>(version.includes('/') ? `/apis/${version}` : `/api/${version}`, { signal, deadline }));
    return (found?.resources ?? []).filter(({ name }) => !name.includes('/')).map(({ kind, name, namespaced }) => [`${version} ${kind}`, { resource: name, namespaced }] as const);
  });
  return new Map(lists.flat());
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** Those of the definitions in the manifests. */
function comingKinds(objects: readonly ManifestObject[]): Kinds {
  return new Map(objects.filter(({ kind }) => kind === 'CustomResourceDefinition').flatMap(({ object }) => {
    const [group, kind, resource] = [at(object, 'spec', 'group'), at(object, 'spec', 'names', 'kind'), at(object, 'spec', 'names', 'plural')];
    const versions = at(object, 'spec', 'versions');
    if (typeof group !== 'string' || typeof kind !== 'string' || typeof resource !== 'string' || !isList(versions)) return [];
    const namespaced = at(object, 'spec', 'scope') === 'Namespaced';
    return versions.map((version) => at(version, 'name')).filter((version) => typeof version === 'string').map((version) => [`${group}/${version} ${kind}`, { resource, namespaced }] as const);
  }));
}
