import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowanceOf, allowanceOfBoth } from './allowance.ts';
import { faults, findFaults } from './catalogue.ts';

test('a fault may cost what its table says, or five times its aim, or two minutes', () => {
  assert.deepEqual(allowanceOf({ limit: { new: 1, reused: 2 }, target: { new: [1, 9], reused: [1, 9] } }), { limit: { new: 1, reused: 2 }, vipStays: false, bothHold: 0 });
  assert.deepEqual(allowanceOf({ target: { new: [0.4, 1], reused: [0.7, 1.5] } }).limit, { new: 5, reused: 7.5 });
  assert.deepEqual(allowanceOf({}).limit, { new: 120, reused: 120 });
  assert.equal(allowanceOf({ noVisitFails: true }).noVisitFails, true);
});

test('planned work may cost no more than a run in which nothing is broken, unless it moves a leadership or restarts API servers', () => {
  for (const fault of faults.filter(({ planned }) => planned)) {
    const { limit } = allowanceOf(fault);
    if (!fault.limit) assert.deepEqual(limit, { new: 5, reused: 5 }, fault.id);
    assert.ok(limit.new <= 10 && limit.reused <= 20, fault.id);
  }
  assert.deepEqual(findFaults(['calm', 'H3', 'H4', 'W4', 'W5', 'W8']).map((fault) => allowanceOf(fault).limit.reused), [5, 5, 5, 5, 5, 5]);
  assert.deepEqual(findFaults(['E3', 'A2', 'A5', 'O1', 'O2', 'O3', 'N5-operator']).map((fault) => allowanceOf(fault).limit.reused), [10, 20, 20, 20, 20, 20, 20]);
});

test('two faults at once may cost what both may, and the time in which both are in; what one may not, they may only where the other may', () => {
  const [quick, slow] = [{ seconds: 8, target: { new: [0.4, 1], reused: [0.7, 1.5] }, vipStays: true, bothHold: 1 }, { seconds: 10, limit: { new: 2, reused: 3 }, vipStays: true, noVisitFails: true, bothHold: 2 }] as const;
  assert.deepEqual(allowanceOfBoth(quick, slow), { limit: { new: 17, reused: 20.5 }, noVisitFails: false, vipStays: true, bothHold: 3 });
  assert.equal(allowanceOfBoth(slow, slow).noVisitFails, true);
  assert.equal(allowanceOfBoth(slow, { ...slow, vipStays: false }).vipStays, false);
  assert.deepEqual(allowanceOfBoth(quick, { seconds: 1 }).limit, { new: 133, reused: 135.5 });
});

test('the VIP stays where only etcd, API servers or workers are killed or hang', () => {
  const workers = faults.map(({ id }) => id).filter((id) => id.startsWith('W') && id !== 'W7');
  for (const { vipStays, component, id } of faults) if (vipStays && id !== 'calm' && !workers.includes(id)) assert.ok(component === 'etcd' || component === 'API server', id);
  for (const fault of findFaults(['A6', 'E2', ...workers])) assert.equal(allowanceOf(fault).vipStays, true);
  for (const fault of findFaults(['K1', 'N1', 'N3', 'W7'])) assert.equal(allowanceOf(fault).vipStays, false);
});
