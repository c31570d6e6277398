import { damaged } from './format/encrypted-object.ts';
import { decodePageTable, parentOf, type PageTable } from './format/page-table.ts';
import type { Repository } from './repository.ts';

const deepest = 64;

/** A base's table with all that it stands on. Throws `repository-damaged`. */
export async function readPageTable(repository: Repository, hash: string): Promise<PageTable> {
  const chain: { readonly name: string; readonly bytes: Buffer }[] = [];
  for (let next: string | undefined = hash; next !== undefined; next = parentOf(chain.at(-1)!.bytes, chain.at(-1)!.name)) {
    if (chain.length > deepest) throw damaged(`table ${hash}`, `it stands on more than ${deepest} others`);
    chain.push({ name: `table ${next}`, bytes: await repository.get('table', next, () => repository.structure) });
  }
  let table: PageTable | undefined;
  for (const { name, bytes } of chain.reverse()) table = decodePageTable(bytes, name, table);
  return table!;
}
