import { setImmediate } from 'node:timers/promises';
import type { BoltFile } from './bolt-file.ts';
import { isTombstone, mainOf } from './key-space.ts';
import { keyValueOf } from './key-value.ts';

/** Rows between two moments in which the rest of the program gets its turn. */
const stint = 4096;

/**
 * The first revision after `after` that does not follow on what was there before it: it deletes a key that is not there, or writes one with another version or creation than its last write asks for.
 * Where a change of a key was lost, the next one of that key shows it. Undefined where there is none. Right only where the file is not compacted farther than `after`.
 */
export async function firstLoose(file: BoltFile, after: number, signal?: AbortSignal): Promise<number | undefined> {
  const living = new Map<string, Written>();
  let count = 0;
  for (const row of file.rows('key')) {
    if (++count % stint === 0) await setImmediate(undefined, { signal });
    const revision = mainOf(row.key);
    const { key, createRevision: created, version } = keyValueOf(row);
    const before = living.get(key);
    if (isTombstone(row)) {
      if (revision > after && !before) return revision;
      living.delete(key);
      continue;
    }
    const wanted = before ? { created: before.created, version: before.version + 1 } : { created: revision, version: 1 };
    if (revision > after && (created !== wanted.created || version !== wanted.version)) return revision;
    living.set(key, { created, version });
  }
  return undefined;
}

interface Written {
  readonly created: number;
  readonly version: number;
}
