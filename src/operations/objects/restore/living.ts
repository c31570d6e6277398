import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { listPages } from '../../../clients/kubernetes/list-pages.ts';
import { whereThere } from '../../../clients/kubernetes/where-there.ts';
import { fewAtOnce } from '../../../lib/few-at-once.ts';
import { at, isList, isObject, textOf, type JsonObject } from '../../../objects/json.ts';
import { nameOf, type ObjectName, type ResourceName } from '../../../objects/stored-objects.ts';
import { calledBy, idOf } from './selection.ts';

/** What the cluster has now, as far as a restore asks for it. */
export interface Living {
  /** By the ids of the objects that were looked at. */
  readonly objects: ReadonlyMap<string, JsonObject>;
  /** By the names of resources: versions, the preferred one first. None where it is not served. */
  readonly served: ReadonlyMap<string, readonly string[]>;
  /** Who has an address ("10.96.0.10") or a node port ("port 30080") of a Service. */
  readonly given: ReadonlyMap<string, string>;
}

/** An object to look at, in a version if that is served. */
export interface Sought {
  readonly name: ObjectName;
  readonly version: string;
}

/** So many questions are under way at a time. */
export const lanes = 8;
/** More objects of a kind and a namespace are listed instead of asked for one by one. */
const mostAlone = 50;
/** Milliseconds: webhooks may take their time. */
export const deadline = 35_000;
/** Objects that are listed at once. */
export const pageSize = '500';

/** Reads alone. Throws `api-failed`. */
export async function lookAtLiving(api: ApiClient, sought: readonly Sought[], signal: AbortSignal): Promise<Living> {
  const served = await servedBy(api, sought.map(({ name }) => name), signal);
  const objects = new Map<string, JsonObject>();
  const asked = sought.flatMap(({ name, version }): readonly Sought[] => {
    const versions = served.get(nameOf(name)) ?? [];
    const use = versions.includes(version) ? version : versions[0];
    return use === undefined ? [] : [{ name, version: use }];
  });
  const lists = [...Map.groupBy(asked, ({ name, version }) => pathOf(name, version, 'list'))];
  await fewAtOnce(lists.filter(([, those]) => those.length > mostAlone), lanes, async ([path, those]) => {
    const found = await listed(api, path, those[0]!, signal);
    for (const { name } of those) if (found.has(name.name)) objects.set(idOf(name), found.get(name.name)!);
  });
  await fewAtOnce(lists.flatMap(([, those]) => (those.length > mostAlone ? [] : those)), lanes, async ({ name, version }) => {
    const found = await getIfThere(api, pathOf(name, version), signal);
    if (found) objects.set(idOf(name), found);
  });
  const services = sought.some(({ name }) => nameOf(name) === 'services') ? (await api.get<{ readonly items: readonly JsonObject[] }>('/api/v1/services', { signal, deadline })).items : [];
  return { objects, served, given: new Map(services.flatMap(givenTo)) };
}

/** By name, with apiVersion and kind as an object that is asked for alone has them. */
async function listed(api: ApiClient, path: string, { name, version }: Sought, signal: AbortSignal): Promise<ReadonlyMap<string, JsonObject>> {
  const apiVersion = name.group === '' ? version : `${name.group}/${version}`;
  const { kind } = await api.get<{ readonly kind: string }>(`${path}?limit=1`, { signal, deadline });
  const found = new Map<string, JsonObject>();
  for await (const items of listPages<JsonObject>(api, path, { limit: pageSize }, { signal, deadline })) for (const one of items) found.set(textOf(at(one, 'metadata', 'name')), { ...one, apiVersion, kind: kind.replace(/List$/, '') });
  return found;
}

/** Of an object in the API, or of the list that it belongs to. */
export function pathOf({ group, resource, namespace, name }: ObjectName, version: string, place: 'object' | 'list' = 'object'): string {
  const start = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${start}${namespace === '' ? '' : `/namespaces/${namespace}`}/${resource}${place === 'object' ? `/${encodeURIComponent(name)}` : ''}`;
}

/** Undefined where nothing is there. Throws `api-failed`. */
export async function getIfThere<T = JsonObject>(api: ApiClient, path: string, signal: AbortSignal): Promise<T | undefined> {
  return whereThere(api.get<T>(path, { signal, deadline }));
}

/** The versions of resources that an API server serves, the preferred one first. Throws `api-failed`. */
export async function servedBy(api: ApiClient, wanted: readonly ResourceName[], signal: AbortSignal): Promise<Living['served']> {
  const groups = [...new Set(wanted.map(({ group }) => group))];
  const found = await fewAtOnce(groups, lanes, (group) => resourcesOfGroup(api, group, signal));
  return new Map(found.flatMap((one) => [...one]));
}

async function resourcesOfGroup(api: ApiClient, group: string, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
  const start = group === '' ? '/api' : `/apis/${group}`;
  const versions = group === '' ? ['v1'] : versionsOf(await getIfThere<Group>(api, start, signal));
  const found = new Map<string, string[]>();
  for (const version of versions) {
    const { resources } = (await getIfThere<{ readonly resources: readonly { readonly name: string }[] }>(api, `${start}/${version}`, signal)) ?? { resources: [] };
    for (const { name: resource } of resources) {
      if (resource.includes('/')) continue;
      const name = nameOf({ group, resource });
      found.set(name, [...(found.get(name) ?? []), version]);
    }
  }
  return found;
}

interface Group {
  readonly preferredVersion: { readonly version: string };
  readonly versions: readonly { readonly version: string }[];
}

function versionsOf(group: Group | undefined): readonly string[] {
  return group ? [...new Set([group.preferredVersion.version, ...group.versions.map(({ version }) => version)])] : [];
}

function givenTo({ metadata, spec }: JsonObject): readonly (readonly [string, string])[] {
  const owner = calledBy({ group: '', resource: 'services', namespace: textOf(at(metadata, 'namespace')), name: textOf(at(metadata, 'name')) });
  const addresses = at(spec, 'clusterIPs');
  const ports = at(spec, 'ports');
  return [
    ...(isList(addresses) ? addresses.map(textOf).filter((one) => one !== 'None') : []),
    ...[...(isList(ports) ? ports.filter(isObject).map(({ nodePort }) => textOf(nodePort)) : []), textOf(at(spec, 'healthCheckNodePort'))].filter((port) => port !== '').map((port) => `port ${port}`),
  ].map((one) => [one, owner] as const);
}
