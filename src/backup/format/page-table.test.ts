import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { decodePageTable, encodePageTable, pagesOf, parentOf, type PageTable } from './page-table.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** A table whose page n has the content `contents[n]`, stored in packs of ten in the order of first appearance. */
function tableOf(contents: readonly string[]): PageTable {
  const distinct = [...new Set(contents)];
  const place = new Map(distinct.map((content, index) => [content, index]));
  return {
    pageSize: 4096,
    ids: Buffer.concat(contents.map((content) => Buffer.from(hash(content), 'hex').subarray(0, 16))),
    pack: Uint32Array.from(contents, (content) => Math.floor(place.get(content)! / 10)),
    slot: Uint32Array.from(contents, (content) => place.get(content)! % 10),
    packs: Array.from({ length: Math.ceil(distinct.length / 10) }, (_, index) => hash(`pack ${distinct.slice(index * 10, index * 10 + 10).join()}`)),
  };
}

/** What a reader makes of it: for each page its id, its pack's name and its place there. */
const meaning = (table: PageTable) =>
  Array.from({ length: pagesOf(table) }, (_, page) => [Buffer.from(table.ids.subarray(page * 16, page * 16 + 16)).toString('hex'), table.packs[table.pack[page]!], table.slot[page]]);

const first = tableOf(Array.from({ length: 1000 }, (_, page) => `page ${page % 900}`));
const name = 'tables/ab/abc';

describe('a page table', () => {
  it('comes back as it was', () => {
    assert.deepEqual(meaning(decodePageTable(encodePageTable(first), name)), meaning(first));
    assert.equal(parentOf(encodePageTable(first), name), undefined);
  });

  it('of no pages is possible', () => {
    assert.equal(pagesOf(decodePageTable(encodePageTable(tableOf([])), name)), 0);
  });

  for (const { title, contents } of [
    { title: 'some are different', contents: Array.from({ length: 1000 }, (_, page) => (page % 37 === 0 ? `new ${page}` : `page ${page % 900}`)) },
    { title: 'it has grown', contents: Array.from({ length: 1200 }, (_, page) => (page < 1000 ? `page ${page % 900}` : `new ${page}`)) },
    { title: 'it has shrunk', contents: Array.from({ length: 400 }, (_, page) => `page ${page}`) },
    { title: 'nothing is different', contents: Array.from({ length: 1000 }, (_, page) => `page ${page % 900}`) },
    { title: 'everything is different', contents: Array.from({ length: 1000 }, (_, page) => `other ${page}`) },
  ]) {
    it(`with a parent says what is different (${title})`, () => {
      const second = tableOf(contents);
      const parent = { hash: hash('first'), table: first };
      const bytes = encodePageTable(second, parent);
      assert.equal(parentOf(bytes, name), parent.hash);
      const read = decodePageTable(bytes, name, first);
      const ids = (table: PageTable) => meaning(table).map(([id]) => id);
      assert.deepEqual(ids(read), ids(second));
      // A page that the parent has stays where the parent says.
      const where = new Map(meaning(first).map(([id, ...place]) => [id, place]));
      const expected = meaning(second).map(([id, ...place], page) => (meaning(first)[page]?.[0] === id ? where.get(id)! : place));
      assert.deepEqual(meaning(read).map(([, ...place]) => place), expected);
    });
  }

  it('with one change in 1,000 pages is small', () => {
    const second = { ...first, ids: Uint8Array.from(first.ids) };
    second.ids[16 * 500]! ^= 1;
    assert.ok(encodePageTable(second, { hash: hash('first'), table: first }).length < 120);
  });

  it('that is cut, longer or made up is refused with its name, and never for ever', () => {
    const bytes = encodePageTable(first);
    const refused = { code: 'repository-damaged', message: /^tables\/ab\/abc: / };
    for (let end = 0; end < bytes.length; end += 7) assert.throws(() => decodePageTable(bytes.subarray(0, end), name), refused, `cut at ${end}`);
    assert.throws(() => decodePageTable(Buffer.concat([bytes, Buffer.alloc(1)]), name), refused);
    assert.throws(() => decodePageTable(encodePageTable(tableOf(['page 0', 'b']), { hash: hash('first'), table: first }), name), refused, 'without its parent');
    for (let round = 0; round < 2000; round++) {
      try {
        decodePageTable(randomBytes(1 + (round % 60)), name);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'repository-damaged', String(error));
      }
    }
  });
});
