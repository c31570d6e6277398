import type { CallOptions } from './_exchange.ts';
import type { ApiClient } from './connect-api.ts';

/** What an API server lists, page by page; of objects without apiVersion and kind of each. */
export interface ListPage<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

/** Of one page. */
export interface ListQuery extends Readonly<Record<string, string | undefined>> {
  readonly limit: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
}

/** The objects of a list, those of each page at once. `options` are those of each page. Throws `api-failed`. */
export async function* listPages<T>(api: Pick<ApiClient, 'get'>, path: string, { resourceVersion, resourceVersionMatch, ...selected }: ListQuery, options: CallOptions = {}): AsyncGenerator<readonly T[]> {
  for (let token = ''; ;) {
    // The token has the revision in it.
    const from = token === '' ? { resourceVersion, resourceVersionMatch } : { continue: token };
    const words = Object.entries({ ...selected, ...from }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
    const { items, metadata } = await api.get<ListPage<T>>(`${path}?${new URLSearchParams(Object.fromEntries(words)).toString()}`, options);
    if (items?.length) yield items;
    token = metadata?.continue ?? '';
    if (token === '') return;
  }
}
