import { newestValues, type KeyValue } from '../bolt/newest-values.ts';
import { placedValues } from '../bolt/placed-values.ts';
import { KubekeepError } from '../lib/errors.ts';
import { basePages } from './base-pages.ts';
import type { CaptureKeys } from './captures.ts';
import { damaged } from './format/encrypted-object.ts';
import { isWanted, type WantedKeys } from './format/key-index.ts';
import { objectName } from './format/object-name.ts';
import { placesOf } from './key-index.ts';
import type { Base } from './points.ts';
import type { Repository } from './repository.ts';

export interface ValueOptions {
  readonly wanted: WantedKeys;
  readonly signal?: AbortSignal | undefined;
  /** Hears how many bytes of pages have come. */
  readonly onBytes?: (bytes: number) => void;
  /** Hears why the key index cannot be used: all is read instead. */
  readonly onIndex: (problem: KubekeepError) => void;
}

/** What an object that nobody needs may have. */
export function isDamage(error: unknown): error is KubekeepError {
  return error instanceof KubekeepError && ['repository-damaged', 'data-damaged', 'identity-missing', 'store-failed'].includes(error.code);
}

export type Values = readonly (readonly [string, KeyValue])[];

/** The values that a base has of the wanted keys, in no order: those pages are fetched that its key index names, or all where it has none. Throws `repository-damaged`. */
export async function* baseValues(repository: Repository, base: Base, keys: CaptureKeys, { wanted, signal, onBytes, onIndex }: ValueOptions): AsyncGenerator<Values> {
  const told = (error: unknown): undefined => {
    if (!isDamage(error)) throw error;
    onIndex(error);
  };
  const [pages, places] = await Promise.all([basePages(repository, base, keys, onBytes), placesOf(repository, base, keys, wanted).catch(told)]);
  const given = new Set<string>();
  let read = places !== undefined;
  if (places) {
    try {
      for await (const values of placedValues(pages, pages.pageSize, places, signal)) {
        for (const [key] of values) given.add(key);
        yield values;
      }
    } catch (error) {
      // A pack that is missing is told again by who reads all.
      told(error);
      read = false;
    }
    const lost = read ? [...places.keys()].find((key) => !given.has(key)) : undefined;
    if (read && lost === undefined) return;
    if (read) onIndex(damaged(objectName('index', base.index!.rows[0]!), `the row of ${lost} does not lie where it, or one that it stands on, says`));
  }
  yield [...(await newestValues(pages, (key) => !given.has(key) && isWanted(wanted, key), { signal }))];
}
