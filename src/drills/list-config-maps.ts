import type { ApiClient } from '../clients/kubernetes/connect-api.ts';

interface Page {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly metadata: { readonly continue?: string };
}

/** The names of all ConfigMaps of a namespace, read page by page. */
export async function listConfigMaps(api: ApiClient, namespace: string): Promise<Set<string>> {
  const names = new Set<string>();
  let next = '';
  do {
    const page: Page = await api.get<Page>(`/api/v1/namespaces/${namespace}/configmaps?limit=500&continue=${encodeURIComponent(next)}`);
    for (const { metadata } of page.items) names.add(metadata.name);
    next = page.metadata.continue ?? '';
  } while (next !== '');
  return names;
}
