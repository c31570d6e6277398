import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { JsonObject } from '../../objects/json.ts';

/** What an API server lists, page by page, without apiVersion and kind of each. */
export interface ListPage {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly JsonObject[] | null;
}

const pageSize = 500;
/** Milliseconds for one page. */
const deadline = 35_000;

/** `query`: beside the size of a page and where the next begins. Throws `api-failed`. */
export async function* listPages(api: ApiClient, path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncGenerator<readonly JsonObject[]> {
  const { resourceVersion, resourceVersionMatch, ...selected } = query;
  const of = resourceVersion === undefined ? {} : { resourceVersion, ...(resourceVersionMatch !== undefined && { resourceVersionMatch }) };
  for (let token = ''; ;) {
    // The token has the revision in it.
    const words = new URLSearchParams({ limit: String(pageSize), ...selected, ...(token === '' ? of : { continue: token }) });
    const { items, metadata } = await api.get<ListPage>(`${path}?${words.toString()}`, { signal, deadline });
    if (items?.length) yield items;
    token = metadata.continue ?? '';
    if (token === '') return;
  }
}
