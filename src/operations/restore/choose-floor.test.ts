import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseFloor } from './choose-floor.ts';

test('revisions begin far above the highest that anybody knows of, who is named', () => {
  const seen = [{ revision: 1400, where: 'the repository' }, { revision: 1_000_009_000, where: 'etcd on cp2' }, { revision: 1_000_000_000, where: 'a restore' }] as const;
  assert.deepEqual(chooseFloor(seen), { floor: 2_000_009_000, highest: seen[1] });
  assert.equal(chooseFloor([seen[0]]).floor, 1_000_001_400);
});
