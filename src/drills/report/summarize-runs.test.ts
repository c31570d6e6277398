import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleDrill } from '../../../test/support/example-drill.ts';
import { acknowledgedWrites } from '../guarantees/acknowledged-writes.ts';
import type { Verdict } from '../history/verdict.ts';
import type { DrillRun } from './drill-run.ts';
import { lostWritesOf, summarizeRuns, worstVerdict } from './summarize-runs.ts';

const { run, records } = exampleDrill({ seed: 1, seconds: 30 });
const [held] = run.verdicts;

function runWith(gap: number, more: Partial<DrillRun> = {}): DrillRun {
  return { ...run, id: `gap-${gap}`, lanes: run.lanes.map((lane) => ({ ...lane, longestGap: lane.door === 'VIP' && lane.workload === 'write' ? gap : 99_999 })), ...more };
}

describe('the summary of runs', () => {
  it('takes the longest gap from the write lanes through the VIP only, one figure a run', () => {
    const [summary] = summarizeRuns([runWith(300), runWith(900), runWith(400)]);
    assert.deepEqual(summary!.gaps.map(({ connection, p50, max }) => [connection, p50, max]), [['new', 400, 900], ['reused', 400, 900], ['reused, short', 400, 900]]);
    assert.deepEqual(summary!.gaps[0]!.values.map(({ run: id }) => id), ['gap-300', 'gap-900', 'gap-400']);
  });

  it('takes the mean of the two middle runs as the median of an even number', () => {
    assert.equal(summarizeRuns([300, 900, 400, 500].map((gap) => runWith(gap)))[0]!.gaps[0]!.p50, 450);
  });

  it('keeps set-ups and faults apart, faults together', () => {
    const other = { ...run.fault, id: 'E2' };
    const summaries = summarizeRuns([runWith(1), runWith(2, { fault: other }), runWith(3, { setup: 'guide' }), runWith(4)]);
    assert.deepEqual(summaries.map(({ fault, setup, runs }) => [fault.id, setup, runs]), [['N1', 'kubekeep', 2], ['N1', 'guide', 1], ['E2', 'kubekeep', 1]]);
  });

  it('counts refused and unanswered writes through the VIP as failed', () => {
    const [summary] = summarizeRuns([{ ...run, lanes: run.lanes.map((lane) => ({ ...lane, requests: 100, refused: 2, unknown: 3 })) }]);
    assert.deepEqual([summary!.failed, summary!.requests], [15, 300]);
  });

  for (const { title, gaps, dead = false, target } of [
    { title: 'met where median and longest are within it', gaps: [300, 400, 1000], target: 'met' },
    { title: 'missed by the median', gaps: [300, 401, 1000], target: 'missed' },
    { title: 'missed by one long run', gaps: [300, 300, 1001], target: 'missed' },
    { title: 'missed by a lane that never came back, however short it was seen', gaps: [300], dead: true, target: 'missed' },
  ]) {
    it(`says that a target is ${title}`, () => {
      const runs = gaps.map((gap) => runWith(gap)).map((one) => ({ ...one, target: { new: [0.4, 1], reused: [10, 10] } as const, lanes: one.lanes.map((lane) => ({ ...lane, dead })) }));
      assert.equal(summarizeRuns(runs)[0]!.target, target);
    });
  }

  it('says nothing about a target that a fault does not have', () => {
    const { target: _, ...without } = run;
    assert.equal(summarizeRuns([without])[0]!.target, 'none');
  });

  it('never counts unknown as held', () => {
    const states = (...all: Verdict['state'][]) => worstVerdict({ verdicts: all.map((state) => ({ ...held!, state })) });
    assert.equal(states('held', 'held'), 'held');
    assert.equal(states('held', 'unknown'), 'unknown');
    assert.equal(states('unknown', 'broken', 'held'), 'broken');
    assert.equal(states(), 'unknown');
  });

  it('knows of no loss only where the acknowledged writes were judged', () => {
    assert.deepEqual(lostWritesOf({ verdicts: [held!] }), { count: 0, exact: true });
    assert.deepEqual(lostWritesOf({ verdicts: [{ ...held!, state: 'unknown' }] }), { count: 0, exact: false });
    assert.deepEqual(lostWritesOf({ verdicts: [] }), { count: 0, exact: false });
  });

  it('reads how many were lost from what the checker of acknowledged writes says', () => {
    const kept = new Map(records.filter((record) => record.kind === 'request').filter(({ operation, outcome }) => operation === 'create' && outcome === 'acknowledged').map(({ object, revision }) => [object, { revision: revision!, value: '' }]));
    const lost = [...kept.keys()].slice(0, 1200);
    for (const object of lost) kept.delete(object);
    const verdict = acknowledgedWrites({ records, finally: kept, damage: [] });
    assert.equal(verdict.state, 'broken');
    assert.deepEqual(lostWritesOf({ verdicts: [verdict] }), { count: 1200, exact: true });
  });
});
