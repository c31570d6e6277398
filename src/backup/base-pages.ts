import type { PageSource } from '../bolt/scan-bucket.ts';
import { acrossPieces, piecesOnce } from '../bolt/pieces-once.ts';
import type { CaptureKeys } from './captures.ts';
import { damaged } from './format/encrypted-object.ts';
import { readTableOf } from './page-tables.ts';
import type { Base } from './points.ts';
import type { Repository } from './repository.ts';

export interface BasePages extends PageSource {
  readonly pageSize: number;
}

/** A base's file without writing it anywhere: packs are fetched as their pages are asked for. `onBytes` hears how many bytes of pages have come. Throws `repository-damaged`. */
export async function basePages(repository: Repository, base: Base, keys: CaptureKeys, onBytes?: (bytes: number) => void): Promise<BasePages> {
  const { pageSize, slot, pack, packs } = await readTableOf(repository, base);
  const fetched = piecesOnce((place) => repository.get('pack', packs[place]!, keys), onBytes);
  const pageAt = async (page: number): Promise<Buffer> => {
    const content = await fetched(pack[page]!);
    const from = slot[page]! * pageSize;
    if (from + pageSize > content.length) throw damaged(`pack ${packs[pack[page]!]}`, `it has no page ${slot[page]}`);
    return content.subarray(from, from + pageSize);
  };
  return {
    pageSize,
    size: base.length,
    place: (offset) => pack[Math.floor(offset / pageSize)]!,
    read: acrossPieces(pageSize, pageAt),
  };
}
