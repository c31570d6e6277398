import { ApiError } from '../../clients/kubernetes/api-error.ts';
import { listPages, type ListPage } from '../../clients/kubernetes/list-pages.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { customResource } from '../../objects/find-resource.ts';
import { at, textOf, type JsonObject } from '../../objects/json.ts';
import type { Resource } from '../../objects/resources.ts';
import { deadline, pageSize, pathOf } from './restore/living.ts';

/** A cluster as it is, read through its API at one revision. */
export interface LiveCluster {
  readonly api: ApiClient;
  /** That all lists are of; undefined where the user may not ask for it, and each list is of its own moment. */
  readonly revision: number | undefined;
  /** What its definitions of custom resources define; undefined where the user may not read them. */
  readonly custom: readonly Resource[] | undefined;
}

/** Which objects of a resource, in which version of its group. */
export interface LiveQuery {
  readonly resource: Resource;
  readonly version: string;
  /** Undefined: of all namespaces, or of all names. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** Throws `api-failed`. */
export async function openLive(api: ApiClient, signal: AbortSignal): Promise<LiveCluster> {
  const namespaces = await ifAllowed(api.get<ListPage<JsonObject>>('/api/v1/namespaces?limit=1', { signal, deadline }));
  const revision = Number(namespaces?.metadata?.resourceVersion ?? Number.NaN);
  const live = { api, revision: Number.isSafeInteger(revision) ? revision : undefined };
  const definitions = await ifAllowed(Array.fromAsync(listPages<JsonObject>(api, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { limit: pageSize, ...exactly(live) }, { signal, deadline })));
  return { ...live, custom: definitions?.flat().map(customResource) };
}

/** Page by page, each object with its apiVersion and kind, which lists leave out. Throws `api-failed`. */
export async function* liveObjects(live: LiveCluster, { resource, version, namespace, name }: LiveQuery, signal: AbortSignal): AsyncGenerator<readonly JsonObject[]> {
  const { group, kind } = resource;
  const path = pathOf({ ...resource, namespace: resource.namespaced ? (namespace ?? '') : '', name: '' }, version, 'list');
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const selected = name === undefined ? {} : { fieldSelector: `metadata.name=${name.replaceAll(/[\\,=]/g, '\\$&')}` };
  for await (const items of listPages<JsonObject>(live.api, path, { limit: pageSize, ...exactly(live), ...selected }, { signal, deadline })) yield items.map((one) => ({ ...one, apiVersion, kind }));
}

function exactly({ revision }: Pick<LiveCluster, 'revision'>): Readonly<Record<string, string>> {
  return revision === undefined ? {} : { resourceVersion: String(revision), resourceVersionMatch: 'Exact' };
}

/** Of a live object. */
export function placeOf(object: JsonObject): { readonly namespace: string; readonly name: string } {
  return { namespace: textOf(at(object, 'metadata', 'namespace')), name: textOf(at(object, 'metadata', 'name')) };
}

async function ifAllowed<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  });
}
