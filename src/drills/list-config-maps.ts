import type { ApiClient } from '../clients/kubernetes/connect-api.ts';

export interface KeptValue {
  /** etcd's revision of the object. */
  readonly revision: number;
  /** `data.value`; empty where it has none. */
  readonly value: string;
}

interface Page {
  readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string }; readonly data?: { readonly value?: string } }[];
  readonly metadata: { readonly continue?: string };
}

/** All ConfigMaps of a namespace by name, read page by page. */
export async function listConfigMaps(api: ApiClient, namespace: string): Promise<Map<string, KeptValue>> {
  const found = new Map<string, KeptValue>();
  let next = '';
  do {
    const page: Page = await api.get<Page>(`/api/v1/namespaces/${namespace}/configmaps?limit=500&continue=${encodeURIComponent(next)}`);
    for (const { metadata, data } of page.items) found.set(metadata.name, { revision: Number(metadata.resourceVersion), value: data?.value ?? '' });
    next = page.metadata.continue ?? '';
  } while (next !== '');
  return found;
}
