import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changedFields } from './changed-fields.ts';
import type { Json } from './json.ts';

describe('what changed in an object', () => {
  const paths = (before: Json, after: Json) => changedFields(before, after).map(({ path }) => path);
  for (const [title, before, after, expected] of [
    ['nothing', { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
    ['a field deep below', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1, d: 3 } } }, ['a.b.d']],
    ['a field that came and one that went', { a: 1 }, { b: null }, ['a', 'b']],
    ['a name that has to be quoted', { labels: { 'example.org/a': '1' } }, { labels: {} }, ['labels["example.org/a"]']],
    ['an item by its name, wherever it stands', { list: [{ name: 'x', v: 1 }, { name: 'y', v: 1 }] }, { list: [{ name: 'new', v: 0 }, { name: 'x', v: 2 }, { name: 'y', v: 1 }] }, ['list[x].v', 'list[new]']],
    ['the order of items', { list: [{ name: 'x' }, { name: 'y' }] }, { list: [{ name: 'y' }, { name: 'x' }] }, ['list']],
    ['an item without a name, by its place', { list: ['a', 'b'] }, { list: ['a', 'c', 'd'] }, ['list[1]', 'list[2]']],
    ['names that are not apart', { list: [{ name: 'x', v: 1 }, { name: 'x', v: 2 }] }, { list: [{ name: 'x', v: 1 }, { name: 'x', v: 3 }] }, ['list[1].v']],
    ['another type', { a: { b: 1 } }, { a: [1] }, ['a']],
    ['a number that is beyond 2^53', { a: 9007199254740993n }, { a: 9007199254740992n }, ['a']],
    ['a field called like one that all objects have', { a: {} }, { a: { toString: 'x' } }, ['a.toString']],
  ] as const) it(title, () => assert.deepEqual(paths(before as Json, after as Json), expected));
});
