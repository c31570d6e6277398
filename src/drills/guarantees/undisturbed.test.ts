import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, holding, look, mark, watched } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord } from '../history/record.ts';
import { undisturbed } from './undisturbed.ts';

const limit = { new: 1, reused: 1 };
const ended = (at: number, why: string): DrillRecord => ({ kind: 'watch ended', lane: 'quiet watch', at, from: 1, why });
const fault = [mark('fault begins', 2000), mark('healthy', 3000)];
const calmRun = [{ ...mark('fault begins', 2000), about: 'calm' }, { ...mark('healthy', 3000), about: 'calm' }];
const stays = [...holding('cp1', 0, 4000, true), ...holding('cp2', 7, 4000, false)];
const goes = [...holding('cp1', 0, 1000, true), ...holding('cp1', 1020, 4000, false), ...holding('cp2', 7, 4000, false)];
const moves = [...holding('cp1', 0, 1000, true), ...holding('cp1', 1020, 4000, false), ...holding('cp2', 7, 1010, false), ...holding('cp2', 1027, 4000, true)];

const cases: readonly (readonly [title: string, state: string, vipStays: boolean, records: readonly DrillRecord[]])[] = [
  ['watches end when they are asked to', 'held', false, [watched('ADDED', 10, 20), ended(4000, 'asked'), ...fault]],
  ['the server ends a watch in order', 'held', false, [ended(1500, 'ended'), ...fault]],
  ['a watch is cut in a fault', 'held', false, [ended(2500, 'cut'), ...fault]],
  ['a watch is cut before the fault', 'broken', false, [ended(1500, 'cut'), ...fault]],
  ['a watch is cut where nothing is broken', 'broken', false, [ended(2500, 'cut'), ...calmRun]],
  ['the VIP stays in a fault behind the balancers', 'held', true, [ended(4000, 'asked'), ...fault, ...stays]],
  ['the VIP moves in a fault behind the balancers', 'broken', true, [ended(4000, 'asked'), ...fault, ...moves]],
  ['nobody has the VIP in a fault behind the balancers', 'broken', true, [ended(4000, 'asked'), ...fault, ...goes]],
  ['the VIP moves in another fault', 'held', false, [ended(4000, 'asked'), ...fault, ...moves]],
  ['the holder of the VIP could not be asked', 'unknown', true, [ended(4000, 'asked'), ...fault, ...holding('cp2', 7, 4000, false), look('VIP', 'cp1', { error: 'no answer' })]],
  ['there was no watch', 'unknown', false, fault],
  ['nobody looked at the hosts', 'unknown', true, [ended(4000, 'asked'), ...fault]],
];

describe('C-calm', () => {
  for (const [title, state, vipStays, records] of cases) test(`${state}: ${title}`, () => assert.equal(undisturbed({ ...evidence(records), allowed: { limit, vipStays } }).state, state));
});
