import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareText } from '../../lib/compare-text.ts';
import { seededDraw } from '../../lib/seeded-draw.ts';
import { decodeLeaves, encodeLeaves, findRows, IndexWriter, readIndex, soughtKeys, type IndexedRow, type WantedKeys } from './key-index.ts';

type Pages = ReadonlyMap<number, readonly IndexedRow[]>;

function written(pages: Pages): Buffer {
  const writer = new IndexWriter();
  for (const [page, rows] of pages) writer.add(page, rows);
  return writer.done();
}

function read(bytes: Buffer, look: (page: number) => boolean = () => true, keys: WantedKeys = () => true): Pages {
  const pages = new Map<number, IndexedRow[]>();
  const wanted = (page: number) => {
    if (look(page)) pages.set(page, []);
    return look(page);
  };
  readIndex(bytes, 'index 1', { pages: wanted, keys }, (page, row) => void pages.get(page)!.push(row));
  return pages;
}

describe('an object of a key index', () => {
  const draw = seededDraw(11);
  const below = (limit: number) => Math.floor(draw() * limit);
  const rows = () => Array.from({ length: below(5) }, (): IndexedRow => ({ key: ['', 'a', '/registry/pods/shop/', 'ÿ', 'x'.repeat(below(3000))][below(5)]! + below(50), revision: [5, 2 ** 40, below(1000)][below(3)]!, sub: below(3) * below(200), deleted: below(3) === 0 }));
  const pages = new Map(Array.from({ length: 40 }, (_, at) => [at * (1 + below(3)) + at * 4, rows()] as const).toSorted(([one], [other]) => one - other));
  const leaves = [3, 4, 900_000];

  it('says what was written: of all pages and keys, or of those that are asked for', () => {
    const bytes = written(pages);
    assert.deepEqual(read(bytes), pages);
    assert.deepEqual([...decodeLeaves(encodeLeaves(leaves), 'index 1')], leaves);
    const wanted = (page: number) => page % 2 === 0;
    assert.deepEqual(read(bytes, wanted), new Map([...pages].filter(([page]) => wanted(page))));
    const some = new Set([...pages.values()].flat().map(({ key }) => key).filter(() => below(3) === 0));
    const rowsOfSome = new Map([...pages].map(([page, all]) => [page, all.filter(({ key }) => some.has(key))] as const));
    for (const keys of [some, (key: string) => some.has(key)]) assert.deepEqual(read(bytes, undefined, keys), rowsOfSome);
    const row = { key: 'a', revision: 5, sub: 0, deleted: false };
    assert.deepEqual(read(written(new Map([[1, [row]], [2, [row]]])), wanted), new Map([[2, [row]]]));
  });

  it('of a segment gives the rows of some keys, as reading all of it does', () => {
    for (let round = 0; round < 60; round++) {
      const few = Array.from({ length: below(40) }, (): IndexedRow => ({ key: ['', '/a/', '/a/b', 'ÿ', 'x'.repeat(below(400))][below(5)]! + ['', below(12), 'ÿ'][below(3)], revision: below(1000), sub: 0, deleted: false })).toSorted((one, other) => compareText(one.key, other.key));
      const bytes = written(new Map([[0, few]]));
      const keys = few.map(({ key }) => key);
      const wanted = new Set([...keys.filter(() => below(3) === 0), ...keys.flatMap((key) => [`${key}0`, key.slice(0, -1), `${key.slice(0, -1)}z`])].filter(() => below(4) > 0));
      const found: [string, number][] = [];
      findRows(bytes, 'index 1', soughtKeys(wanted), (key, revision) => void found.push([key, revision]));
      assert.deepEqual(found, few.filter(({ key }) => wanted.has(key)).map(({ key, revision }) => [key, revision]), `round ${round}`);
    }
    const alike = written(new Map([[0, ['xb1', 'xb2', 'xc2'].map((key) => ({ key, revision: 5, sub: 0, deleted: false }))]]));
    const few: string[] = [];
    findRows(alike, 'index 1', soughtKeys(['xc2', 'xc1', 'xb2', 'xa2', 'x']), (key) => void few.push(key));
    assert.deepEqual(few, ['xb2', 'xc2']);
  });

  it('in which rows lie in another order than that of the keys is refused where some are looked for', () => {
    for (const keys of [['b', 'a'], ['ab', 'a'], ['a', 'ÿ', 'b']]) {
      const bytes = written(new Map([[0, keys.map((key) => ({ key, revision: 5, sub: 0, deleted: false }))]]));
      assert.throws(() => findRows(bytes, 'index 1', soughtKeys(['z', 'ÿÿ']), () => {}), { code: 'repository-damaged', message: /^index 1: its keys are not in their order/ }, keys.join());
    }
  });

  it('that is cut, has more behind it, or is anything else is refused by name', () => {
    const bytes = written(pages);
    for (let length = 0; length < bytes.length; length += 1 + below(20)) assert.throws(() => read(bytes.subarray(0, length)), { code: 'repository-damaged', message: /^index 1: / }, String(length));
    assert.throws(() => read(Buffer.concat([bytes, Buffer.alloc(1)])), { code: 'repository-damaged' });
    for (let round = 0; round < 300; round++) {
      const bad = Buffer.from(bytes);
      for (let count = 0; count < 4; count++) bad[below(bad.length)] = below(256);
      try {
        read(bad);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'repository-damaged', String(error));
      }
    }
  });
});
