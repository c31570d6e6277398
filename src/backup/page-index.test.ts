import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededDraw } from '../lib/seeded-draw.ts';
import { idLength } from './format/page-table.ts';
import { PageIndex } from './page-index.ts';

describe('PageIndex', () => {
  it('finds as a Map does, also where ids begin alike or the table is full', () => {
    const draw = seededDraw(3);
    for (const pages of [0, 1, 2, 64, 1000]) {
      // Few beginnings, and few endings: many look for their place in a row, and some are there twice.
      const ids = Uint8Array.from({ length: pages * idLength }, (_, at) => (at % idLength < 4 ? Math.floor(draw() * 2) : at % idLength === 15 ? Math.floor(draw() * 50) : 0));
      const text = (page: number) => Buffer.from(ids.subarray(page * idLength, (page + 1) * idLength)).toString('hex');
      const index = new PageIndex(ids);
      const map = new Map<string, number>();
      for (let page = 0; page < pages; page++) {
        const found = index.find(ids, page);
        assert.equal(found === undefined ? undefined : text(found), map.has(text(page)) ? text(page) : undefined);
        index.add(page);
        map.set(text(page), page);
      }
    }
  });
});
