import type { ObjectKind } from './encrypted-object.ts';

/** Kinds of objects that are named by their hashes. */
export type StoredKind = Exclude<ObjectKind, 'entry'>;

const folders: Readonly<Record<StoredKind, string>> = { pack: 'packs', table: 'tables', index: 'indexes', segment: 'segments', sealed: 'sealed' };

/** Where an object stands in a store: docs/design/repository-format.md, section 2. */
export function objectName(kind: StoredKind, hash: string): string {
  return `${folders[kind]}/${hash.slice(0, 2)}/${hash}`;
}

/** Whether an object of ours may stand under that name: others may have put something beside them, and a store may tell capitals from small letters or not. */
export function isObjectName(name: string): boolean {
  const [, folder, start, hash] = /^([a-z]+)\/([0-9a-f]{2})\/([0-9a-f]{64})$/.exec(name) ?? [];
  return Object.values(folders).some((one) => one === folder) && hash!.startsWith(start!);
}
