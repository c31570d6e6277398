import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { began, evidence, mark, refused, registerLane, request, unanswered, watched, watchLane, writeLane } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord, Request } from '../history/record.ts';
import { measureLane, noDeadLane } from './availability.ts';

/** Ten requests a second, each answered after 10 ms. */
function steady(lane: string, from: number, to: number): Request[] {
  return Array.from({ length: Math.ceil((to - from) / 100) }, (_, turn) => request('create', from + turn * 100, { lane, object: `${lane}-${from + turn * 100}` }));
}

describe('figures of a lane', () => {
  test('an outage: its gap, failures, first success and failed seconds', () => {
    const lost = Array.from({ length: 20 }, (_, turn) => unanswered('create', 3000 + turn * 100, { lane: 'write', ended: 6000 }));
    const records = [...steady('write', 0, 3000), ...lost, ...steady('write', 5000, 10_000), ...steady('another', 0, 10_000)];
    const { longestGap, firstFailure, firstSuccessAfter, failedSeconds, requests, acknowledged, unknown, refused: refusals, dead } = measureLane(writeLane, records, { from: 0, to: 9900 });
    assert.deepEqual({ longestGap, firstFailure, firstSuccessAfter, failedSeconds, requests, acknowledged, unknown, refusals, dead }, {
      longestGap: 2100, firstFailure: 3000, firstSuccessAfter: 5010, failedSeconds: 2, requests: 100, acknowledged: 80, unknown: 20, refusals: 0, dead: false,
    });
  });

  test('the gap goes to the edges of the window, and past its end where the answer came later', () => {
    const [only] = steady('write', 4000, 4100);
    assert.equal(measureLane(writeLane, [only!], { from: 0, to: 10_000 }).longestGap, 5990);
    assert.equal(measureLane(writeLane, [only!], { from: 0, to: 5000 }).longestGap, 4010);
    assert.equal(measureLane(writeLane, [only!, { ...only!, due: 9900, ended: 15_000 }], { from: 0, to: 10_000 }).longestGap, 10_990);
    assert.equal(measureLane(writeLane, [], { from: 0, to: 10_000 }).longestGap, 10_000);
  });

  test('latency counts from when a request was due, however late it was sent', () => {
    const records = Array.from({ length: 1000 }, (_, turn) => request('create', turn * 10, { lane: 'write', due: turn * 10 - (turn === 0 ? 9000 : turn < 10 ? 500 : 0) }));
    const { p50, p99, p999 } = measureLane(writeLane, records, { from: -10_000, to: 10_000 });
    assert.deepEqual([p50, p99, p999], [10, 10, 510]);
    assert.equal(measureLane(writeLane, records.slice(0, 1), { from: -10_000, to: 10_000 }).p50, 9010);
    assert.ok(Number.isNaN(measureLane(writeLane, [], { from: 0, to: 1 }).p50));
  });

  test('a conflict is a failure, but not of a register', () => {
    const records = [refused('update', 100), refused('update', 200, { status: 429 })];
    assert.equal(measureLane(registerLane, records, { from: 0, to: 1000 }).firstFailure, 200);
    assert.equal(measureLane({ ...writeLane, name: 'register' }, records, { from: 0, to: 1000 }).firstFailure, 100);
  });

  test('a watch is measured by its events, from when their writes were due', () => {
    const records = [request('create', 100, { revision: 10 }), watched('ADDED', 10, 130), watched('BOOKMARK', 11, 900)];
    const { requests, p50, longestGap } = measureLane(watchLane, records, { from: 0, to: 1000 });
    assert.deepEqual([requests, p50, longestGap], [1, 30, 870]);
  });
});

describe('C-avail: no lane stays dead', () => {
  const lanes = began([writeLane, registerLane]);
  const fault = [mark('fault begins', 2000), mark('healthy', 6000)];
  const healthy = [lanes, ...fault, ...steady('write', 0, 10_000), ...steady('register', 0, 10_000)];
  const cases: readonly (readonly [title: string, state: string, records: readonly DrillRecord[]])[] = [
    ['both lanes answer to the end', 'held', healthy],
    ['a lane that was away for 5 s and came back', 'held', [lanes, ...fault, ...steady('write', 0, 2000), ...steady('write', 7500, 10_000), ...steady('register', 0, 10_000)]],
    ['a lane without an answer since the fault', 'broken', [lanes, ...fault, ...steady('write', 0, 2000), ...steady('register', 0, 10_000)]],
    ['a lane that never had an answer', 'broken', [lanes, ...fault, ...steady('register', 0, 10_000)]],
    ['a lane whose requests all fail', 'broken', [lanes, ...fault, ...steady('write', 0, 10_000), ...steady('register', 0, 10_000).map((one): Request => ({ ...one, outcome: 'unknown' }))]],
    ['a watch that tells nothing for longer than client-go takes to find out', 'broken', [began([writeLane, watchLane]), ...fault, ...steady('write', 0, 60_000), watched('ADDED', 10, 1000)]],
    ['a watch that tells nothing for as long as client-go does not know', 'held', [began([writeLane, watchLane]), ...fault, ...steady('write', 0, 40_000), watched('ADDED', 10, 1000)]],
    ['a watch with short timers that tells nothing for 9 s', 'broken', [began([writeLane, { ...watchLane, connection: 'reused, short' }]), ...fault, ...steady('write', 0, 10_000), watched('ADDED', 10, 1000)]],
    ['a watch while nothing is written', 'held', [began([registerLane, watchLane]), ...fault, ...steady('register', 0, 10_000).map((one): Request => ({ ...one, operation: 'get' }))]],
    ['a lane that is dead while the cluster is not healthy again', 'unknown', [lanes, mark('fault begins', 2000), ...steady('write', 0, 2000), ...steady('register', 0, 10_000)]],
    ['an empty history', 'unknown', []],
    ['lanes without requests', 'unknown', [lanes]],
    ['requests of lanes that the history does not name', 'unknown', steady('write', 0, 10_000)],
    ['a run of 2 s', 'unknown', [lanes, ...steady('write', 0, 2000)]],
  ];
  for (const [title, state, records] of cases) test(`${state}: ${title}`, () => assert.equal(noDeadLane(evidence(records)).state, state));

  test('names the lane and its last answer', () => {
    const { breaches } = noDeadLane(evidence([lanes, ...fault, ...steady('write', 0, 2000), ...steady('register', 0, 10_000)]));
    assert.deepEqual(breaches, ['lane "write" was dead at the end (9.900 s): its last answer came at 1.910 s']);
  });
});
