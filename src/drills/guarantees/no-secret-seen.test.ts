import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, look } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord } from '../history/record.ts';
import { noSecretSeen } from './no-secret-seen.ts';

const clean = look('secrets', 'cp1');
const cases: readonly (readonly [title: string, state: string, records: readonly DrillRecord[]])[] = [
  ['places that show none', 'held', [clean, look('secrets', 'this computer')]],
  ['a place that shows one', 'broken', [clean, look('secrets', 'cp2', { found: ['arguments of sh: the CA etcd'] })]],
  ['a place that shows one, beside one that could not be searched', 'broken', [look('secrets', 'cp1', { error: 'no answer' }), look('secrets', 'cp2', { found: ['a'] })]],
  ['a search that did not find what was put there for it', 'unknown', [clean, look('secrets', 'cp2', { error: 'the mark in the journal was not found' })]],
  ['looks for other things', 'unknown', [look('plan', 'the cluster'), look('leftovers', 'cp1')]],
  ['nobody searched', 'unknown', []],
];

describe('C-secret', () => {
  for (const [title, state, records] of cases) test(`${state}: ${title}`, () => assert.equal(noSecretSeen(evidence(records)).state, state));

  test('names place and secret', () => assert.deepEqual(noSecretSeen(evidence([look('secrets', 'cp2', { found: ['arguments of sh: the CA etcd'] })])).breaches, ['cp2: arguments of sh: the CA etcd']));
});
