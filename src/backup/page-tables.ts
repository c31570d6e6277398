import { damaged } from './format/encrypted-object.ts';
import { decodePageTable, pagesOf, parentOf, type PageTable } from './format/page-table.ts';
import type { Base } from './points.ts';
import type { Repository } from './repository.ts';

const deepest = 64;

/** A table with all that it stands on. Throws `repository-damaged`. */
export async function readPageTable(repository: Repository, hash: string): Promise<PageTable> {
  return (await readTables(repository, hash)).table;
}

/** The same of a base, whose whole file it has to be. */
export async function readTableOf(repository: Repository, { table: hash, length }: Pick<Base, 'table' | 'length'>): Promise<PageTable> {
  const table = await readPageTable(repository, hash);
  if (pagesOf(table) * table.pageSize !== length) throw damaged(nameOf(hash), `it has ${pagesOf(table)} pages and its base ${length} bytes`);
  return table;
}

/** A table, and the hashes of the tables that it was put together from. */
export async function readTables(repository: Repository, hash: string): Promise<{ readonly table: PageTable; readonly hashes: readonly string[] }> {
  const chain: { readonly hash: string; readonly bytes: Buffer }[] = [];
  for (let next: string | undefined = hash; next !== undefined; next = parentOf(chain.at(-1)!.bytes, nameOf(chain.at(-1)!.hash))) {
    if (chain.length > deepest) throw damaged(nameOf(hash), `it stands on more than ${deepest} others`);
    chain.push({ hash: next, bytes: await repository.get('table', next, () => repository.structure) });
  }
  let table: PageTable | undefined;
  for (const one of chain.toReversed()) table = decodePageTable(one.bytes, nameOf(one.hash), table);
  return { table: table!, hashes: chain.map((one) => one.hash) };
}

function nameOf(hash: string): string {
  return `table ${hash}`;
}
