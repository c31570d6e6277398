import { damaged } from './format/encrypted-object.ts';
import { objectName } from './format/object-name.ts';
import { idLength, type PageTable } from './format/page-table.ts';
import { pageHmac } from './format/page-id.ts';

/** What tables say of a pack. */
export interface PackUse {
  /** What cannot be given back without it. */
  readonly points: string[];
  /** Whether its pages are looked at. */
  readonly chosen: boolean;
  readonly pageSize: number;
  /** By slot: mostly one, all tables say the same. */
  readonly ids: Map<number, Uint8Array[]>;
}

/** Notes of each pack of a table what the table says of it. */
export function notePacks(uses: Map<string, PackUse>, table: PageTable, points: string, choose: () => boolean): void {
  const used = new Map<number, PackUse>();
  for (const number of new Set(table.pack)) {
    const use: PackUse = uses.get(table.packs[number]!) ?? { points: [], chosen: choose(), pageSize: table.pageSize, ids: new Map() };
    uses.set(table.packs[number]!, use);
    use.points.push(points);
    if (use.chosen) used.set(number, use);
  }
  for (let page = 0; page < table.pack.length; page++) {
    const ids = used.get(table.pack[page]!)?.ids;
    if (!ids) continue;
    const [slot, id] = [table.slot[page]!, table.ids.subarray(page * idLength, (page + 1) * idLength)];
    const known = ids.get(slot);
    if (!known) ids.set(slot, [Uint8Array.from(id)]);
    else if (known.every((one) => Buffer.compare(one, id) !== 0)) known.push(Uint8Array.from(id));
  }
}

/** Throws `repository-damaged` where a pack does not have the pages that tables say it has. */
export function checkPack(idKey: Uint8Array, pack: string, { pageSize, ids }: PackUse, content: Buffer): void {
  const name = objectName('pack', pack);
  const hmac = pageHmac(idKey, pageSize);
  const id = Buffer.alloc(idLength);
  for (const [slot, wanted] of ids) {
    const from = slot * pageSize;
    if (from + pageSize > content.length) throw damaged(name, `it has no page ${slot}`);
    hmac(content.subarray(from, from + pageSize), id, 0);
    if (wanted.some((one) => Buffer.compare(one, id) !== 0)) throw damaged(name, `page ${slot} in it is another one than a table says`);
  }
}
