import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ahead } from './ahead.ts';

it('what is made of items comes in their order, and only so many are begun before they are wanted', async () => {
  const begun: number[] = [];
  const results: number[] = [];
  for await (const result of ahead([5, 4, 3, 2, 1], 2, async (item) => {
    begun.push(item);
    for (let turn = 0; turn < item; turn++) await setImmediate();
    return item * 10;
  })) {
    results.push(result);
    assert.ok(begun.length <= results.length + 1, `${begun.length} begun`);
  }
  assert.deepEqual(results, [50, 40, 30, 20, 10]);
});

it('the first that fails is heard of in its turn, and items that end early are not asked for more', async () => {
  const work = async (item: number) => {
    if (item === 2) throw new Error('no');
    return item;
  };
  const given: number[] = [];
  await assert.rejects(async () => {
    for await (const one of ahead([1, 2, 3], 3, work)) given.push(one);
  }, /no/);
  assert.deepEqual(given, [1]);
  let enough = false;
  const items = function* () {
    for (let item = 3; !enough; item++) yield item;
  };
  for await (const one of ahead(items(), 2, work)) {
    given.push(one);
    enough = one === 5;
  }
  assert.deepEqual(given, [1, 3, 4, 5, 6]);
});
