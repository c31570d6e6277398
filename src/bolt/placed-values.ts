import { isTombstone, mainOf, subOf, userKeyOf } from './key-space.ts';
import { keyValueOf } from './key-value.ts';
import type { KeyValue } from './newest-values.ts';
import { rowsOfLeaves, type PageSource } from './scan-bucket.ts';

/** Where the row lies that wrote a key last. */
export interface RowPlace {
  /** Number of the leaf in the backend file. */
  readonly page: number;
  readonly revision: number;
  /** Its place among what that revision changed. */
  readonly sub: number;
}

/** The values at places, leaf by leaf; a key is left out whose row does not lie where it should. Throws `data-damaged` where a page is no leaf. */
export async function* placedValues(source: PageSource, pageSize: number, places: ReadonlyMap<string, RowPlace>, signal?: AbortSignal): AsyncGenerator<readonly (readonly [string, KeyValue])[]> {
  const leaves = [...new Set([...places.values()].map(({ page }) => page))];
  for await (const { leaf, rows } of rowsOfLeaves(source, pageSize, leaves, signal)) {
    yield rows.flatMap((row) => {
      const key = userKeyOf(row);
      const place = places.get(key);
      const there = place?.page === leaf && place.revision === mainOf(row.key) && place.sub === subOf(row.key) && !isTombstone(row);
      return there ? [[key, keyValueOf(row)] as const] : [];
    });
  }
}
