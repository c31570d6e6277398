import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowanceOf } from './allowance.ts';
import { faults, findFaults } from './catalogue.ts';

test('a fault may cost what its table says, or five times its aim, or two minutes', () => {
  assert.deepEqual(allowanceOf({ limit: { new: 1, reused: 2 }, target: { new: [1, 9], reused: [1, 9] } }), { limit: { new: 1, reused: 2 }, vipStays: false, bothHold: 0 });
  assert.deepEqual(allowanceOf({ target: { new: [0.4, 1], reused: [0.7, 1.5] } }).limit, { new: 5, reused: 7.5 });
  assert.deepEqual(allowanceOf({}).limit, { new: 120, reused: 120 });
  assert.equal(allowanceOf({ noVisitFails: true }).noVisitFails, true);
});

test('the VIP stays where only etcd, API servers or workers are killed or hang', () => {
  const workers = faults.map(({ id }) => id).filter((id) => id.startsWith('W') && id !== 'W7');
  for (const { vipStays, component, id } of faults) if (vipStays && id !== 'calm' && !workers.includes(id)) assert.ok(component === 'etcd' || component === 'API server', id);
  for (const fault of findFaults(['A6', 'E2', ...workers])) assert.equal(allowanceOf(fault).vipStays, true);
  for (const fault of findFaults(['K1', 'N1', 'N3', 'W7'])) assert.equal(allowanceOf(fault).vipStays, false);
});
