import { execFileSync, spawnSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder's files by name, with their sizes in bytes. */
export type Sizes = ReadonlyMap<string, number>;

export async function sizesIn(folder: string): Promise<Sizes> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  return new Map(await Promise.all(files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(folder.length + 1), (await stat(path)).size] as const;
  })));
}

/** Bytes of the files that were not there before, or only of those whose names begin with one of `folders`. */
export function grownBy(before: Sizes, now: Sizes, folders: readonly string[] = ['']): number {
  return [...now].filter(([name]) => !before.has(name) && folders.some((folder) => name.startsWith(folder))).reduce((sum, [, size]) => sum + size, 0);
}

/** The rival: a repository of restic for snapshots of etcd; undefined where it is not installed. */
export function restic(folder: string) {
  const env = { ...process.env, RESTIC_REPOSITORY: folder, RESTIC_PASSWORD: 'benchmark', RESTIC_CACHE_DIR: `${folder}-cache` };
  if (spawnSync('restic', ['version']).status !== 0) return undefined;
  const run = (...args: readonly string[]) => void execFileSync('restic', ['--quiet', ...args], { env, stdio: 'ignore' });
  run('init');
  return { backup: (path: string) => run('backup', path) };
}
