import type { RowPlace } from '../bolt/placed-values.ts';
import type { CaptureKeys } from './captures.ts';
import type { ObjectKey } from './format/encrypted-object.ts';
import { decodeLeaves, readIndex, type IndexedRow, type WantedKeys } from './format/key-index.ts';
import { objectName } from './format/object-name.ts';
import { changedPages, type PageTable } from './format/page-table.ts';
import { pageStates } from './index-keys.ts';
import type { Base } from './points.ts';
import type { Repository } from './repository.ts';
import type { HashedSpool } from './spool.ts';

/** A key index that has been read, and the pages of its file. */
export interface ParentIndex {
  readonly table: PageTable;
  readonly leaves: ReadonlySet<number>;
  readonly rows: readonly string[];
}

/** Undefined where the base has none, or one that is damaged: nothing is taken over from it. */
export async function readParentIndex(repository: Repository, { index }: Pick<Base, 'index'>, table: PageTable): Promise<ParentIndex | undefined> {
  const leaves = index && (await leavesOf(repository, index.leaves).catch(() => undefined));
  return leaves && { table, leaves, rows: index.rows };
}

/** Stores what the key index of the parent does not say. Undefined where the file has so few keys that they need none. */
export async function storeIndex(repository: Repository, { ids, index }: Pick<HashedSpool, 'ids' | 'index'>, { key, parent }: { readonly key: ObjectKey; readonly parent: ParentIndex | undefined }): Promise<Base['index']> {
  const found = await index(parent && statesIn(ids, parent));
  if (!found) return undefined;
  const rows: string[] = [];
  for (const object of found.rows) rows.push(await repository.put('index', object, key));
  return { leaves: await repository.put('index', found.leaves, repository.structure), rows: [...rows, ...(parent?.rows ?? [])] };
}

/** A page can be a leaf that was none, and have been there: what bbolt has freed stays, and may be written again as it was. */
function statesIn(ids: Uint8Array, { table, leaves }: ParentIndex): Uint8Array {
  return changedPages(ids, table).map((changed, page) => (changed === 1 ? pageStates.changed : leaves.has(page) ? pageStates.indexed : pageStates.noLeaf));
}

/** The numbers of the pages that have rows, an object of a key index. Throws `repository-damaged`. */
export async function leavesOf(repository: Repository, hash: string): Promise<ReadonlySet<number>> {
  return decodeLeaves(await repository.get('index', hash, () => repository.structure), objectName('index', hash));
}

/** Where the rows lie that wrote the wanted keys of a base last, by its key index; undefined where it has none. Throws `repository-damaged`. */
export async function placesOf(repository: Repository, { index }: Pick<Base, 'index'>, keys: CaptureKeys, wanted: WantedKeys): Promise<ReadonlyMap<string, RowPlace> | undefined> {
  if (!index) return undefined;
  const [leaves, ...objects] = await Promise.all([leavesOf(repository, index.leaves), ...index.rows.map((hash) => repository.get('index', hash, keys))]);
  const newest = new Map<string, RowPlace & Pick<IndexedRow, 'deleted'>>();
  const spoken = new Set<number>();
  const look = (page: number) => leaves.has(page) && spoken.size < spoken.add(page).size;
  for (const [at, bytes] of objects.entries()) {
    readIndex(bytes, objectName('index', index.rows[at]!), { pages: look, keys: wanted }, (page, { key, revision, sub, deleted }) => {
      const known = newest.get(key);
      if (!known || revision > known.revision || (revision === known.revision && sub > known.sub)) newest.set(key, { page, revision, sub, deleted });
    });
  }
  return new Map([...newest].filter(([, { deleted }]) => !deleted));
}
