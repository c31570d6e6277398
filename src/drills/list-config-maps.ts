import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { listPages } from '../clients/kubernetes/list-pages.ts';

export interface KeptValue {
  /** etcd's revision of the object. */
  readonly revision: number;
  /** `data.value`; empty where it has none. */
  readonly value: string;
}

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: { readonly value?: string };
}

/** All ConfigMaps of a namespace by name, read page by page. */
export async function listConfigMaps(api: ApiClient, namespace: string): Promise<Map<string, KeptValue>> {
  const found = new Map<string, KeptValue>();
  for await (const page of listPages<ConfigMap>(api, `/api/v1/namespaces/${namespace}/configmaps`, { limit: '500' })) {
    for (const { metadata, data } of page) found.set(metadata.name, { revision: Number(metadata.resourceVersion), value: data?.value ?? '' });
  }
  return found;
}
