import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CheckedStep } from '../operations/objects/restore/check-plan.ts';
import { namespaceNamed } from '../operations/objects/restore/selection.ts';
import type { UndoStep } from '../operations/objects/restore/undo-restore.ts';
import { describeOutcome, describeUndo } from './describe-object-restore.ts';

const shop = namespaceNamed('shop');
const step: CheckedStep = { action: 'create', name: { group: '', resource: 'configmaps', namespace: 'shop', name: 'settings' }, path: '/m', object: {}, status: undefined, owners: [], notes: [], check: 'stand-in', order: 4, living: undefined, verdict: 'ready', why: undefined, changes: [] };
const kept: UndoStep = { action: 'keep', name: shop, why: 'there is more in it', entry: { name: shop, path: '/shop', after: {} }, living: {} };

describe('what a restore says when something was refused after its namespace was made', () => {
  for (const [title, stayed, undo, lines] of [
    ['that all was taken away again', [], undefined, ['what was written before that was taken away again']],
    ['what was not, why, and how it is undone later', [kept], '20261126T093412', ['what was written before that was taken away again, but for:', '! namespaces/shop  stays as it is: there is more in it', 'To take it back: kubekeep objects undo 20261126T093412']],
  ] as const) {
    it(title, () => {
      const text = describeOutcome({ plan: { steps: [step], left: [], cluster: 'same' }, applied: { written: [], refused: [{ step, why: 'no' }], onlyFoundations: true }, stayed, undo }, false);
      assert.deepEqual(text.split('\n'), ['! configmaps/settings in shop  refused: no', ...lines]);
    });
  }
});

it('a name cannot hide what stands above it', () => {
  const named: UndoStep = { ...kept, name: { ...shop, name: 'x\u001b[1A\u001b[2K\nfine' } };
  const text = describeUndo([named]);
  assert.ok(!/[\u001b]/.test(text) && text.split('\n').length === describeUndo([kept]).split('\n').length, JSON.stringify(text));
});
