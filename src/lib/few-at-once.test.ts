import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fewAtOnce } from './few-at-once.ts';

it('work for many items is done a few at a time, in their order', async () => {
  let [running, most] = [0, 0];
  const results = await fewAtOnce([5, 4, 3, 2, 1], 2, async (item) => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    running--;
    return item * 10;
  });
  assert.deepEqual([results, most], [[50, 40, 30, 20, 10], 2]);
});

it('work is not begun after something has failed, and what runs is waited for', async () => {
  const ended: number[] = [];
  await assert.rejects(fewAtOnce([1, 2, 3, 4], 2, async (item) => {
    if (item === 1) throw new Error('no');
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(item);
  }), /no/);
  assert.deepEqual(ended, [2]);
});
