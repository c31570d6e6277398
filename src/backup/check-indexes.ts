import type { CaptureKeys } from './captures.ts';
import { readIndex } from './format/key-index.ts';
import { objectName } from './format/object-name.ts';
import { leavesOf } from './key-index.ts';
import type { Base } from './points.ts';
import type { Repository } from './repository.ts';

/** By hash, which part of the key indexes of bases an object is. */
export function indexParts(bases: readonly Pick<Base, 'index'>[]): ReadonlyMap<string, 'leaves' | 'rows'> {
  const parts = new Map<string, 'leaves' | 'rows'>();
  for (const { index } of bases) {
    if (index) parts.set(index.leaves, 'leaves');
    for (const hash of index?.rows ?? []) parts.set(hash, 'rows');
  }
  return parts;
}

/** Throws `repository-damaged` where an object of a key index cannot be read to its end. Whether each row lies where it says is looked at when it is used. */
export async function checkIndex(repository: Repository, hash: string, part: 'leaves' | 'rows', keys: CaptureKeys): Promise<void> {
  if (part === 'leaves') await leavesOf(repository, hash);
  else readIndex(await repository.get('index', hash, keys), objectName('index', hash), { pages: () => false, keys: new Set() }, () => {});
}
