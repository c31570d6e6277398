import type { ObjectKind } from './encrypted-object.ts';

/** Kinds of objects that are named by their hashes. */
export type StoredKind = Exclude<ObjectKind, 'entry'>;

const folders: Readonly<Record<StoredKind, string>> = { pack: 'packs', table: 'tables', index: 'indexes', segment: 'segments', sealed: 'sealed' };

/** Where an object stands in a store: docs/design/repository-format.md, section 2. */
export function objectName(kind: StoredKind, hash: string): string {
  return `${folders[kind]}/${hash.slice(0, 2)}/${hash}`;
}
