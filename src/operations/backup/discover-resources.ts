import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ResourceName } from '../../objects/stored-objects.ts';

/** A resource that an API server can list, in one version of its group. */
export interface ServedResource extends ResourceName {
  /** Of the list of all namespaces. */
  readonly path: string;
  readonly custom: boolean;
  /** A webhook has to convert what is stored in another version. */
  readonly converted: boolean;
}

export interface Discovery {
  readonly resources: readonly ServedResource[];
  /** Versions of groups that a program in the cluster serves: "v1beta1.metrics.k8s.io". */
  readonly aggregated: readonly string[];
}

interface DiscoverOptions {
  /** Custom resources and aggregated groups are those of that state of etcd. */
  readonly revision: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** They are not stored: an API server asks around when it is asked. */
const notStored: ReadonlySet<string> = new Set(['componentstatuses']);
/** How often, and how many ms apart, a group is asked for that is not served yet: custom resources appear some time after the server is ready. */
const patience = { times: 60, pause: 500 };
const deadline = 60_000;

/** All that can be listed, each resource once: custom ones in the version that they are stored in, others in the one that the API server prefers. */
export async function discoverResources(api: ApiClient, { revision, clock, signal }: DiscoverOptions): Promise<Discovery> {
  const get = async <T>(path: string): Promise<T> => {
    for (let time = 1; ; time++) {
      try {
        return await api.get<T>(path, { signal, deadline });
      } catch (error) {
        if (!(error instanceof ApiError) || ![404, 503].includes(error.status ?? 0) || time === patience.times) throw error;
        await clock.sleep(patience.pause, signal);
      }
    }
  };
  const then = `resourceVersion=${revision}&resourceVersionMatch=Exact`;
  const services = await get<List<ApiService>>(`/apis/apiregistration.k8s.io/v1/apiservices?${then}`);
  const definitions = await get<List<Definition>>(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions?${then}`);
  const custom = definitions.items.flatMap(customResource);
  // Until it is served nothing of it can be listed.
  for (const { path } of custom) await get(`${path}?limit=1`).catch(() => {});
  const elsewhere = new Set(services.items.filter(({ spec }) => spec.service).map(({ metadata: { name } }) => name));
  const groups = await get<{ readonly groups: readonly Group[] }>('/apis');
  const versions = groups.groups.flatMap(({ name, preferredVersion, versions: all }) => [preferredVersion.version, ...all.map(({ version }) => version)].map((version) => ({ group: name, version })));
  const own = versions.filter(({ group, version }) => !elsewhere.has(`${version}.${group}`) && !custom.some((one) => one.group === group));
  const found = new Map<string, ServedResource>();
  for (const { group, version } of [{ group: '', version: 'v1' }, ...own]) {
    const folder = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const { resources } = await get<ResourceList>(folder);
    for (const { name, verbs } of resources) {
      if (!verbs.includes('list') || name.includes('/') || notStored.has(name) || found.has(`${group}/${name}`)) continue;
      found.set(`${group}/${name}`, { group, resource: name, path: `${folder}/${name}`, custom: false, converted: false });
    }
  }
  return { resources: [...found.values(), ...custom], aggregated: [...elsewhere] };
}

interface List<T> {
  readonly items: readonly T[];
}

interface ApiService {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly service?: unknown };
}

interface Group {
  readonly name: string;
  readonly preferredVersion: { readonly version: string };
  readonly versions: readonly { readonly version: string }[];
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

interface Definition {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly conversion?: { readonly strategy: string };
    readonly versions: readonly { readonly name: string; readonly storage: boolean; readonly served: boolean }[];
  };
}

/** In the version that it is stored in where that is served: it need not be converted. None where no API server serves it. */
function customResource({ status, spec: { group, names, conversion, versions } }: Definition): readonly ServedResource[] {
  const served = versions.filter((one) => one.served);
  const version = served.find(({ storage }) => storage) ?? served[0];
  if (!version || !status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True')) return [];
  return [{ group, resource: names.plural, path: `/apis/${group}/${version.name}/${names.plural}`, custom: true, converted: conversion?.strategy === 'Webhook' }];
}
