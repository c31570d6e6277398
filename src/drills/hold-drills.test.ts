import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdDrills } from './hold-drills.ts';

const runtimeFolder = `/test/${process.pid}/drills`;

test('a second drill in the same lab is refused until the first has ended, and one in another lab is not', async () => {
  const first = await holdDrills({ name: 'a' }, runtimeFolder);
  await assert.rejects(holdDrills({ name: 'a' }, runtimeFolder), { code: 'drill-refused', message: 'another drill is going on in lab a' });
  await (await holdDrills({ name: 'b' }, runtimeFolder))[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await (await holdDrills({ name: 'a' }, runtimeFolder))[Symbol.asyncDispose]();
});
