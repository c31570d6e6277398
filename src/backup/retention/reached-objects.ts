import { indexParts } from '../check-indexes.ts';
import { keysNamed, type WrappedScope } from '../captures.ts';
import { segmentOf } from '../change-log/coverage.ts';
import { catalogSchema } from '../format/catalog-list.ts';
import { entryName } from '../format/chain-entry.ts';
import { objectName } from '../format/object-name.ts';
import { readTables } from '../page-tables.ts';
import { basesOf, capturesOf } from '../points.ts';
import type { ReadEntry } from '../read-entry.ts';
import type { Repository } from '../repository.ts';
import { retiresOf } from './retired.ts';

/** Names of all that entries need in the store: tables, packs and bundles of bases, the log's segments and pieces, the catalog's lists, and the lists of what is being cleaned up. */
export async function reachedObjects(repository: Repository, entries: readonly ReadEntry[]): Promise<ReadonlySet<string>> {
  const reached = new Set<string>();
  const bases = basesOf({ entries });
  for (const hash of indexParts(bases).keys()) reached.add(objectName('index', hash));
  for (const { table: base, bundle } of bases) {
    if (bundle) reached.add(objectName('sealed', bundle.hash));
    const { table: { packs, pack }, hashes } = await readTables(repository, base);
    for (const hash of hashes) reached.add(objectName('table', hash));
    for (const number of new Set(pack)) reached.add(objectName('pack', packs[number]!));
  }
  for (const entry of entries) {
    const part = segmentOf(entry);
    if (part?.index !== undefined) reached.add(objectName('index', part.index));
    if (part) reached.add(part.object === undefined ? entryName(part.number) : objectName('segment', part.object));
    if (entry.kind === 'catalog') for (const list of catalogSchema.parse(entry.body).lists) reached.add(objectName('table', list));
  }
  for (const { objects } of retiresOf({ entries })) if (objects) reached.add(objectName('table', objects));
  return reached;
}

/** The keys that entries need, of data and of what is sealed; undefined where a base does not say which packs of others it stands on. */
export function reachedKeys(entries: readonly ReadEntry[]): Readonly<Record<WrappedScope, ReadonlySet<string> | undefined>> {
  const bases = basesOf({ entries }).map(capturesOf);
  const data = bases.includes(undefined) ? undefined : new Set([...keysNamed({ entries }, 'data'), ...bases.flatMap((captures) => captures!)]);
  return { data, escrow: new Set(keysNamed({ entries }, 'escrow')) };
}
