import type { Call } from './connection.ts';

/** What the prober reads of a ConfigMap, a list or a watch's bookmark. */
export interface ConfigMap {
  readonly name: string | undefined;
  /** Its resourceVersion: etcd's revision. */
  readonly revision: number | undefined;
  readonly value: string | undefined;
}

/** Requests about the ConfigMaps of a namespace. Each has one value. */
export function configMapCalls(namespace: string) {
  const all = `/api/v1/namespaces/${namespace}/configmaps`;
  return {
    create: (name: string, value: string): Call => ({ method: 'POST', path: all, body: configMap(name, value) }),
    /** Without a resourceVersion: the answer is as new as the moment it was asked. */
    get: (name: string): Call => ({ method: 'GET', path: `${all}/${name}` }),
    update: (name: string, value: string, expected: number): Call => ({ method: 'PUT', path: `${all}/${name}`, body: configMap(name, value, expected) }),
    delete: (name: string, expected: number): Call => ({
      method: 'DELETE',
      path: `${all}/${name}`,
      body: JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion: String(expected) } }),
    }),
    /** For the list's revision: where a watch can begin. */
    list: (): Call => ({ method: 'GET', path: `${all}?limit=1` }),
    /** Of an object that nobody writes, without bookmarks: nothing is ever sent. */
    quietWatch: (from: number): Call => ({ method: 'GET', path: `${all}?watch=true&fieldSelector=metadata.name%3Dquiet&resourceVersion=${from}&timeoutSeconds=86400` }),
    watch: (from: number): Call => ({ method: 'GET', path: `${all}?watch=true&allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=86400` }),
  };
}

/** Whatever else an object or text may be, it has none of the three. */
export function readConfigMap(object: unknown): ConfigMap {
  const { metadata, data } = (typeof object === 'object' && object !== null ? object : {}) as { readonly metadata?: { readonly name?: string; readonly resourceVersion?: string }; readonly data?: { readonly value?: string } };
  return { name: metadata?.name, revision: metadata?.resourceVersion === undefined ? undefined : Number(metadata.resourceVersion), value: data?.value };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function configMap(name: string, value: string, expected?: number): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(expected !== undefined && { resourceVersion: String(expected) }) }, data: { value } });
}
