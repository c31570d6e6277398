import { openBolt, type BoltRow, type ReadAt } from '../bolt/bolt-file.ts';
import { isTombstone, mainOf, subOf, userKeyOf } from '../bolt/key-space.ts';
import { encodeLeaves, IndexWriter, type IndexedRow } from './format/key-index.ts';

/** Of one object, before compression: it has to lie in memory. */
const mostBytes = 4 << 20;

/** The key index of a backend file, as objects of a repository have it. */
export interface FileIndex {
  readonly leaves: Uint8Array;
  readonly rows: readonly Uint8Array[];
}

/** Of a page, what the index of the parent says of it. */
export const pageStates = { indexed: 0, changed: 1, noLeaf: 2 } as const;

/**
 * `states`: one of `pageStates` for each page; rows of leaves that the parent's index has are left out, without it none. Undefined where the file has so few keys that they need no index. Reads the
 * branches of the tree, and those leaves. Throws `data-damaged`.
 */
export function indexKeys(file: ReadAt, states?: Uint8Array): FileIndex | undefined {
  const bolt = openBolt(file);
  const found = bolt.leaves('key');
  if (!found) return undefined;
  const leaves = Uint32Array.from(found).sort();
  const rows: Buffer[] = [];
  let writer = new IndexWriter();
  for (const [index, page] of leaves.entries()) {
    // What lies between two belongs to the first of them, nearly always: what does not is no harm.
    if (states?.[page] === pageStates.indexed && !states.subarray(page, leaves[index + 1]).includes(pageStates.changed)) continue;
    writer.add(page, bolt.leaf(page).flatMap(indexed));
    if (writer.length < mostBytes) continue;
    rows.push(writer.done());
    writer = new IndexWriter();
  }
  return { leaves: encodeLeaves(leaves), rows: [...rows, writer.done()] };
}

/** The row that a bump of revisions leaves has no key. */
function indexed(row: BoltRow): readonly IndexedRow[] {
  const key = userKeyOf(row);
  return key === '' ? [] : [{ key, revision: mainOf(row.key), sub: subOf(row.key), deleted: isTombstone(row) }];
}
