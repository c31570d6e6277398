import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../../src/backup/store/store.ts';

/** A store in memory, for tests that make very many: without a disk that everything is synced to. */
export function memoryStore(objects: ReadonlyMap<string, Uint8Array> = new Map()): Store & { readonly objects: ReadonlyMap<string, Uint8Array> } {
  const kept = new Map(objects);
  return {
    place: 'memory',
    objects: kept,
    async create(name, bytes) {
      if (kept.has(name)) return 'exists';
      kept.set(name, Uint8Array.from(bytes));
      return 'created';
    },
    async overwrite(name, bytes) {
      kept.set(name, Uint8Array.from(bytes));
    },
    read: async (name) => kept.get(name),
    list: async (prefix, after = '') => [...kept.keys()].filter((name) => name.startsWith(prefix) && name > after).sort(),
    async remove(name) {
      kept.delete(name);
    },
  };
}

/** What a folder has. */
export async function objectsIn(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(files.map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const)));
}
