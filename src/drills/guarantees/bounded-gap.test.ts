import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { began, evidence, refused, registerLane, request, unanswered, watched, watchLane, writeLane } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord, Request } from '../history/record.ts';
import { boundedGap } from './bounded-gap.ts';

const limit = { new: 2, reused: 4 };
const steady = (lane: string, from: number, to: number): Request[] => Array.from({ length: Math.ceil((to - from) / 100) }, (_, turn) => request('create', from + turn * 100, { lane, object: `${lane}-${from + turn * 100}` }));
const lanes = began([writeLane, registerLane, watchLane, { ...writeLane, name: 'elsewhere', door: 'API server cp1' }]);
const other = steady('register', 0, 10_000);
const failing = (lane: string, from: number, to: number) => Array.from({ length: (to - from) / 1000 }, (_, turn) => unanswered('create', from + turn * 1000 + 50, { lane }));

const cases: readonly (readonly [title: string, state: string, records: readonly DrillRecord[]])[] = [
  ['both lanes answer all the time', 'held', [...steady('write', 0, 10_000), ...other]],
  ['a gap shorter than the limit', 'held', [...steady('write', 0, 3000), ...steady('write', 4800, 10_000), ...other]],
  ['a gap longer than the limit', 'broken', [...steady('write', 0, 3000), ...steady('write', 5300, 10_000), ...other]],
  ['a reused connection may take longer', 'held', [...steady('write', 0, 10_000), ...steady('register', 0, 3000), ...steady('register', 6500, 10_000)]],
  ['one of many requests fails in three seconds', 'broken', [...steady('write', 0, 10_000), ...failing('write', 2000, 5000), ...other]],
  ['one of many requests fails in two seconds', 'held', [...steady('write', 0, 10_000), ...failing('write', 2000, 4000), ...other]],
  ['conflicts of a register', 'held', [...steady('write', 0, 10_000), ...other, ...Array.from({ length: 9 }, (_, turn) => refused('update', turn * 1000))]],
  ['a watch without events and a lane to one API server', 'held', [...steady('write', 0, 10_000), ...other, watched('ADDED', 10, 20), ...failing('elsewhere', 0, 9000)]],
];

describe('C-gap', () => {
  for (const [title, state, records] of cases) test(`${state}: ${title}`, () => assert.equal(boundedGap({ ...evidence([lanes, ...records]), allowed: { limit, vipStays: false } }).state, state));

  test('a single visit that fails breaks it where none may, and a single write does not', () => {
    const visits = { ...writeLane, name: 'visit', workload: 'visit', door: 'service shop' } as const;
    const stateOf = (records: readonly DrillRecord[], noVisitFails: boolean) => boundedGap({ ...evidence([began([writeLane, visits]), ...records, ...steady('write', 0, 10_000), ...steady('visit', 0, 10_000)]), allowed: { limit, vipStays: false, noVisitFails } });
    const one = unanswered('get', 5050, { lane: 'visit' });
    assert.deepEqual(stateOf([one], true).breaches, ['lane "visit" had 1 request fail; none may']);
    assert.equal(stateOf([one], false).state, 'held');
    assert.equal(stateOf([unanswered('create', 5050, { lane: 'write' })], true).state, 'held');
  });

  test('is in doubt where a limit is only passed together with the time in which the prober itself stood still', () => {
    const quiet = began([writeLane, { ...writeLane, name: 'kept', connection: 'reused' }]);
    // Nothing leaves between 3 and 5.3 s, of neither lane; what was due then leaves at its end.
    const late = (lane: string) => steady(lane, 0, 10_000).map((one) => (one.due > 3000 && one.due < 5300 ? { ...one, sent: 5300, ended: 5310 } : one));
    const judged = boundedGap({ ...evidence([quiet, ...late('write'), ...late('kept')]), allowed: { limit, vipStays: false } });
    assert.deepEqual([judged.state, judged.breaches], ['unknown', []]);
    assert.match(judged.found, /the prober itself stood still for 2\.\d+ s, and without that no more than is allowed is left: lane "write" was 2\.\d+ s without an answer/);
    // The other lane went on: it was not the prober.
    assert.equal(boundedGap({ ...evidence([quiet, ...late('write'), ...steady('kept', 0, 10_000)]), allowed: { limit, vipStays: false } }).state, 'broken');
    // In as many seconds as it may, whatever seconds these are without the pause.
    const early = (lane: string) => steady(lane, 0, 10_000).map((one) => (one.due > 1000 && one.due < 1700 ? { ...one, sent: 1700, ended: 1710 } : one));
    assert.equal(boundedGap({ ...evidence([quiet, ...early('write'), ...early('kept'), ...[5050, 6900].map((due) => unanswered('create', due, { lane: 'write' }))]), allowed: { limit, vipStays: false } }).state, 'held');
    // Longer than the prober stood still.
    const longer = [...late('write').filter(({ due }) => due < 3000 || due > 8000), ...late('kept')];
    assert.equal(boundedGap({ ...evidence([quiet, ...longer]), allowed: { limit, vipStays: false } }).state, 'broken');
  });

  test('cannot tell where the limit is not known, or where nothing was asked', () => {
    assert.equal(boundedGap(evidence([lanes, ...steady('write', 0, 10_000)])).state, 'unknown');
    assert.equal(boundedGap({ ...evidence([lanes]), allowed: { limit, vipStays: false } }).state, 'unknown');
  });

  test('names the lane, what it felt and what was allowed', () => {
    const { breaches } = boundedGap({ ...evidence([lanes, ...steady('write', 0, 3000), ...steady('write', 5300, 10_000), ...other]), allowed: { limit, vipStays: false } });
    assert.deepEqual(breaches, ['lane "write" was 2.400 s without an answer; 2.000 s are allowed']);
  });
});
