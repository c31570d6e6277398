import { setImmediate } from 'node:timers/promises';
import type { BoltFile } from './bolt-file.ts';
import { isTombstone, mainOf } from './key-space.ts';

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
    const { key, ...now } = writtenBy(row.value);
    const before = living.get(key);
    if (isTombstone(row)) {
      if (revision > after && !before) return revision;
      living.delete(key);
      continue;
    }
    const [created, version] = before ? [before.created, before.version + 1] : [revision, 1];
    if (revision > after && (now.created !== created || now.version !== version)) return revision;
    living.set(key, now);
  }
  return undefined;
}

interface Written {
  readonly created: number;
  readonly version: number;
}

/** Fields 1, 2 and 4 of mvccpb.KeyValue, which etcd writes in their order; what is not there is 0. */
function writtenBy(value: Buffer): Written & { readonly key: string } {
  let [at, key, created, version] = [0, '', 0, 0];
  const number = () => {
    let found = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = value[at++] ?? 0;
      found += (byte & 0x7f) * factor;
      if (byte < 128) return found;
    }
  };
  while (at < value.length) {
    const field = number() >> 3;
    if (field > 4) break;
    const found = number();
    if (field === 1) key = value.toString('latin1', at, (at += found));
    else if (field === 2) created = found;
    else if (field === 4) version = found;
  }
  return { key, created, version };
}
