import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, hashed, holding, look } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord } from '../history/record.ts';
import { converged } from './converged.ts';

const empty = look('plan', 'the cluster');
const clean = [look('leftovers', 'cp1'), look('leftovers', 'cp2')] as const;
const cases: readonly (readonly [title: string, state: string, records: readonly DrillRecord[]])[] = [
  ['nothing to do and nothing left', 'held', [empty, ...clean]],
  ['every host that was sampled or asked was looked at', 'held', [empty, ...clean, ...holding('cp1', 0, 100, true), hashed('cp2', 1)]],
  ['a step', 'broken', [look('plan', 'the cluster', { found: ['cp1/etcd'] }), ...clean]],
  ['a leftover', 'broken', [empty, clean[0], look('leftovers', 'cp2', { found: ['table inet kubekeep_drill'] })]],
  ['a leftover beside a host that could not be looked at', 'broken', [empty, look('leftovers', 'cp1', { error: 'no answer' }), look('leftovers', 'cp2', { found: ['a'] })]],
  ['a host that could not be looked at', 'unknown', [empty, clean[0], look('leftovers', 'cp2', { error: 'no answer' })]],
  ['a host that was left out', 'unknown', [empty, ...clean, ...holding('cp3', 0, 100, true)]],
  ['a plan that could not be made', 'unknown', [look('plan', 'the cluster', { error: 'cp1 cannot be reached' }), ...clean]],
  ['no plan', 'unknown', clean],
  ['no look at the hosts', 'unknown', [empty]],
  ['nobody looked', 'unknown', []],
];

describe('C-converge', () => {
  for (const [title, state, records] of cases) test(`${state}: ${title}`, () => assert.equal(converged(evidence(records)).state, state));

  test('names what is left and where', () => {
    const { breaches, found } = converged(evidence([look('plan', 'the cluster', { found: ['cp1/etcd'] }), look('leftovers', 'cp2', { found: ['/etc/kubekeep/haproxy.cfg.before-drill'] })]));
    assert.deepEqual(breaches, ['plan would do: cp1/etcd', 'left of the drill on cp2: /etc/kubekeep/haproxy.cfg.before-drill']);
    assert.equal(found, 'plan has 1 step, 1 left on 1 place');
  });
});
