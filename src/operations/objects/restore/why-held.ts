import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { fewAtOnce } from '../../../lib/few-at-once.ts';
import { at, isList, textOf, type Json, type JsonObject } from '../../../objects/json.ts';
import { isNoise } from '../../../objects/noise.ts';
import { nameOf, type ObjectName, type ResourceName } from '../../../objects/stored-objects.ts';
import { deadline, getIfThere, lanes, pathOf } from './living.ts';
import { calledBy } from './selection.ts';

/** What would be removed or put back. */
export interface Undone {
  readonly name: ObjectName;
  readonly living: JsonObject;
  /** None where it would be removed. */
  readonly before: JsonObject | undefined;
}

/**
 * Why something has to stay though it is as a restore wrote it: others would go with it, or lose it. Undefined where nothing speaks against it. `removed`: the uids of what is taken away with it. Throws
 * `api-failed` where the API server does not answer.
 */
export async function whyHeld(api: ApiClient, undone: Undone, removed: ReadonlySet<string>, signal: AbortSignal): Promise<string | undefined> {
  const { name, living, before } = undone;
  const kind = nameOf(name);
  try {
    if (kind === 'persistentvolumes') return await whyClaimed(api, undone, removed, signal);
    if (before) return undefined;
    if (kind === 'namespaces') return whyNotEmpty(await othersIn(api, await listsOfNamespace(api, name.name, signal), removed, signal));
    return kind === 'customresourcedefinitions.apiextensions.k8s.io' ? whyNotEmpty(await othersIn(api, listsOfDefinition(living), removed, signal)) : undefined;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === undefined) throw error;
    return `it cannot be seen what else would go with it: ${error.message}`;
  }
}

/** A claim is lost when its volume goes, or becomes another claim's again. */
async function whyClaimed(api: ApiClient, { living, before }: Undone, removed: ReadonlySet<string>, signal: AbortSignal): Promise<string | undefined> {
  const [now, then] = [living, before].map((volume) => at(volume, 'spec', 'claimRef'));
  if (!now) return undefined;
  const name = { group: '', resource: 'persistentvolumeclaims', namespace: textOf(at(now, 'namespace')), name: textOf(at(now, 'name')) };
  const claim = await getIfThere(api, pathOf(name, 'v1'), signal);
  const uid = textOf(at(claim, 'metadata', 'uid'));
  const isAnothers = !['', uid].includes(textOf(at(now, 'uid')));
  const hadIt = uid === textOf(at(then, 'uid'));
  return !claim || isAnothers || hadIt || removed.has(uid) || at(claim, 'metadata', 'deletionTimestamp') !== undefined ? undefined : `${calledBy(name)} has it, and stays`;
}

function whyNotEmpty(others: readonly string[]): string | undefined {
  return others.length === 0 ? undefined : `there is more in it than was restored: ${others.slice(0, 3).join(', ')}${others.length > 3 ? `, and ${others.length - 3} more` : ''}`;
}

interface List extends ResourceName {
  readonly path: string;
  readonly kind: string;
}

/** What would go though nobody restored it. What somebody owns goes with its owner: with one that is taken away, or one of these kinds, which lies beside it and is looked at itself. */
async function othersIn(api: ApiClient, lists: readonly List[], removed: ReadonlySet<string>, signal: AbortSignal): Promise<readonly string[]> {
  const kinds = new Set(lists.map(({ group, kind }) => `${group} ${kind}`));
  const goesWith = (owner: Json) => removed.has(textOf(at(owner, 'uid'))) || kinds.has(`${textOf(at(owner, 'apiVersion')).split('/').slice(0, -1).join('/')} ${textOf(at(owner, 'kind'))}`);
  const found = await fewAtOnce(lists, lanes, async ({ path, group, resource }) => {
    const { items } = (await getIfThere<{ readonly items: readonly JsonObject[] }>(api, path, signal)) ?? { items: [] };
    return items.flatMap(({ metadata }) => {
      const one = { group, resource, namespace: textOf(at(metadata, 'namespace')), name: textOf(at(metadata, 'name')) };
      const made = ['configmaps/kube-root-ca.crt', 'serviceaccounts/default'].includes(`${nameOf(one)}/${one.name}`);
      const owners = at(metadata, 'ownerReferences');
      const goes = made || isNoise(one) || removed.has(textOf(at(metadata, 'uid'))) || (isList(owners) && owners.some(goesWith)) || at(metadata, 'deletionTimestamp') !== undefined;
      return goes ? [] : [calledBy(one)];
    });
  });
  return found.flat();
}

function listsOfDefinition(definition: JsonObject): readonly List[] {
  const [group, resource, kind] = [textOf(at(definition, 'spec', 'group')), textOf(at(definition, 'spec', 'names', 'plural')), textOf(at(definition, 'spec', 'names', 'kind'))];
  const version = (at(definition, 'spec', 'versions') as readonly JsonObject[]).find(({ served }) => served === true);
  return version ? [{ path: `/apis/${group}/${textOf(version['name'])}/${resource}`, group, resource, kind }] : [];
}

interface Groups {
  readonly groups: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[];
}

interface Resources {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean; readonly verbs: readonly string[] }[];
}

/** Of what is stored: metrics of pods and the like cannot be deleted. Each resource once, though some are served in one version of their group alone. */
async function listsOfNamespace(api: ApiClient, namespace: string, signal: AbortSignal): Promise<readonly List[]> {
  const { groups } = await api.get<Groups>('/apis', { signal, deadline });
  const starts = [{ group: '', start: '/api/v1' }, ...groups.flatMap(({ name, versions }) => versions.map(({ version }) => ({ group: name, start: `/apis/${name}/${version}` })))].filter(({ group }) => group !== 'events.k8s.io');
  const found = await fewAtOnce(starts, lanes, async ({ group, start }) => {
    const { resources } = (await getIfThere<Resources>(api, start, signal)) ?? { resources: [] };
    return resources.flatMap(({ name, kind, namespaced, verbs }) => (namespaced && verbs.includes('list') && verbs.includes('delete') ? [{ path: `${start}/namespaces/${namespace}/${name}`, group, resource: name, kind }] : []));
  });
  return [...Map.groupBy(found.flat(), nameOf).values()].map(([preferred]) => preferred!);
}
