import type { PageSource } from '../bolt/scan-bucket.ts';
import { piecesOnce } from '../bolt/pieces-once.ts';
import type { CaptureKeys } from './captures.ts';
import { damaged } from './format/encrypted-object.ts';
import { pagesOf } from './format/page-table.ts';
import { readPageTable } from './page-tables.ts';
import type { Base } from './points.ts';
import type { Repository } from './repository.ts';

/** A base's file without writing it anywhere: packs are fetched as their pages are asked for. `onBytes` hears how many bytes of pages have come. Throws `repository-damaged`. */
export async function basePages(repository: Repository, base: Base, keys: CaptureKeys, onBytes?: (bytes: number) => void): Promise<PageSource> {
  const table = await readPageTable(repository, base.table);
  const { pageSize, slot, pack, packs } = table;
  if (pagesOf(table) * pageSize !== base.length) throw damaged(`table ${base.table}`, `it has ${pagesOf(table)} pages and its base ${base.length} bytes`);
  const fetched = piecesOnce((place) => repository.get('pack', packs[place]!, keys), onBytes);
  const pageAt = async (page: number): Promise<Buffer> => {
    const content = await fetched(pack[page]!);
    const from = slot[page]! * pageSize;
    if (from + pageSize > content.length) throw damaged(`pack ${packs[pack[page]!]}`, `it has no page ${slot[page]}`);
    return content.subarray(from, from + pageSize);
  };
  return {
    size: base.length,
    place: (offset) => pack[Math.floor(offset / pageSize)]!,
    async read(offset, length) {
      const [first, last] = [Math.floor(offset / pageSize), Math.floor((offset + length - 1) / pageSize)];
      const pages = await Promise.all(Array.from({ length: last - first + 1 }, (_, index) => pageAt(first + index)));
      const from = offset - first * pageSize;
      return (pages.length === 1 ? pages[0]! : Buffer.concat(pages)).subarray(from, from + length);
    },
  };
}
