import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, holding, look, mark } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord } from '../history/record.ts';
import { measureVip } from './_measure-vip.ts';
import { vipHolders } from './vip-holders.ts';

const fault = [mark('fault begins', 900), mark('healthy', 3000)];
/** From cp1 to cp2 after the samples at `lost` and before those at `gained`; cp2 is sampled 7 ms after cp1. */
const moving = (lost: number, gained: number) => [
  ...holding('cp1', 0, lost, true), ...holding('cp1', lost + 20, 4000, false),
  ...holding('cp2', 7, gained - 20, false), ...holding('cp2', gained, 4000, true),
  ...holding('cp3', 3, 4000, false),
];

const cases: readonly (readonly [title: string, state: string, records: readonly DrillRecord[]])[] = [
  ['one holder all the time', 'held', [...holding('cp1', 0, 4000, true), ...holding('cp2', 5, 4000, false)]],
  ['a move in a fault, with a time without a holder', 'held', [...fault, ...moving(1000, 1407)]],
  ['a move between two samples, which look as if both had had it', 'held', [...fault, ...moving(1000, 1007)]],
  ['a move that ends just after the fault began', 'held', [mark('fault begins', 1100), ...moving(1000, 1407)]],
  ['two holders for some samples', 'broken', [...fault, ...moving(1000, 907)]],
  ['two holders for one sample', 'broken', [...fault, ...moving(1000, 987)]],
  ['a single sample of a second holder', 'broken', [...holding('cp1', 0, 4000, true), ...holding('cp2', 5, 4000, false).map((one) => (one.at === 1005 ? { ...one, holdsVip: true } : one))]],
  ['two holders beside a host that was not seen', 'broken', [...holding('cp1', 0, 4000, true), ...holding('cp2', 0, 4000, true), ...holding('cp3', 0, 500, false)]],
  ['a move without a fault', 'broken', moving(1000, 1407)],
  ['a move in a run in which nothing is broken', 'broken', [...fault.map((one): DrillRecord => ({ ...one, about: 'calm' })), ...moving(1000, 1407)]],
  ['a move after the cluster was healthy again', 'broken', [...fault, ...moving(3100, 3207)]],
  ['a host that was not seen for more than a second', 'unknown', [...holding('cp1', 0, 4000, true), ...holding('cp2', 0, 1000, false), ...holding('cp2', 2100, 4000, false)]],
  ['a host that was not seen at the end', 'unknown', [...holding('cp1', 0, 4000, true), ...holding('cp2', 0, 2000, false)]],
  ['a host that could not be asked for what it saw', 'unknown', [...holding('cp1', 0, 4000, true), ...holding('cp2', 0, 4000, false), look('VIP', 'cp3', { error: 'no answer' })]],
  ['two holders beside one that could not be asked', 'broken', [...holding('cp1', 0, 4000, true), ...holding('cp2', 0, 4000, true), look('VIP', 'cp3', { error: 'no answer' })]],
  ['nobody could be asked', 'unknown', [look('VIP', 'cp1', { error: 'no answer' })]],
  ['an empty history', 'unknown', []],
  ['one sample', 'unknown', holding('cp1', 0, 0, true)],
  ['samples of other things', 'unknown', [{ kind: 'sample', host: 'cp1', at: 0, leads: true }, { kind: 'sample', host: 'cp1', at: 100, leads: true }]],
];

describe('C-vip', () => {
  for (const [title, state, records] of cases) test(`${state}: ${title}`, () => assert.equal(vipHolders(evidence(records.toReversed())).state, state));

  test('tells who had it, for how long, how often it moved', () => {
    const figures = measureVip([...fault, ...moving(1000, 1407)]);
    assert.deepEqual({ ...figures, moves: figures.moves, flaps: figures.flaps.length }, { none: 1397 - 1010, one: 4000 - (1397 - 1010), several: 0, unseen: 0, moves: 1, flaps: 0, doubles: [] });
  });

  test('names both holders and the time', () => {
    const { breaches, found } = vipHolders(evidence([...fault, ...moving(1000, 907)]));
    assert.deepEqual(breaches, ['cp1 and cp2 had the VIP at once from about 0.897 s to 1.010 s']);
    assert.equal(found, '0 ms without a holder, 3,887 ms with one, 113 ms with more; 1 move, 0 without a cause');
  });

  test('names a move without a cause', () => assert.deepEqual(vipHolders(evidence(moving(1000, 1407))).breaches, ['the VIP moved from cp1 to cp2 without a fault (left about 1.010 s, back at 1.397 s)']));

  test('tolerates as much as it is told to', () => {
    const doubled = evidence([...fault, ...moving(1000, 907)]);
    const within = (bothHold: number) => vipHolders({ ...doubled, allowed: { limit: { new: 1, reused: 1 }, vipStays: false, bothHold } });
    assert.deepEqual([0.12, 0.11].map((seconds) => within(seconds).state), ['held', 'broken']);
    assert.match(within(0.12).found, /120 ms with two are allowed here/);
  });
});
