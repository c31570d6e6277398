import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { createAuthority } from '../../pki/authorities.ts';
import { issueLeaf } from '../../pki/issue.ts';
import type { DrillRecord, Lane, Request } from '../history/record.ts';
import { followLanes } from './lane-progress.ts';
import { startOpenLoop } from './open-loop.ts';
import { laneOf } from './probe-plan.ts';
import type { ProbePlan } from './probe-plan.ts';
import { startProber } from './prober.ts';
import { startTarget } from './self-check-target.ts';

const now = Date.now();
const authority = await createAuthority('kubernetes', 'test', now);
const leaf = await issueLeaf({ name: 'x', authority: 'kubernetes', commonName: 'kubernetes', organizations: [], dnsNames: ['kubernetes'], addresses: [], usages: ['server', 'client'] }, authority, { now });
const access = { ca: authority.certificate, certificate: leaf.certificate, key: leaf.privateKey };

async function open(t: TestContext, lanes: readonly Lane[]) {
  const target = await startTarget(access, systemClock);
  t.after(() => target.close());
  const plan: ProbePlan = { lanes, doors: { door: { address: '127.0.0.1', port: target.port, serverName: 'kubernetes' } }, ...access, namespace: 'drill', seed: 1, run: 'r' };
  const records: DrillRecord[] = [];
  const prober = startProber(plan, { clock: systemClock, onRecord: (record) => records.push(record) });
  return { target, prober, requests: (lane: Lane) => records.filter((record): record is Request => record.kind === 'request' && record.lane === lane.name) };
}

test('a server that stalls delays no later request: each is sent when it is due, and the wait is seen from then on', async (t) => {
  const lanes = [laneOf('write', 'new', 'door', 20), laneOf('write', 'reused', 'door', 50)];
  const { target, prober, requests } = await open(t, lanes);
  await systemClock.sleep(700);
  target.pause();
  const paused = prober.now();
  await systemClock.sleep(1500);
  target.resume();
  const resumed = prober.now();
  await systemClock.sleep(300);
  await prober.stop();
  for (const lane of lanes) {
    const all = [...requests(lane)].sort((a, b) => a.due - b.due);
    // Fixed times: all of them, none moved.
    assert.ok(all.slice(1).every(({ due }, position) => Math.abs(due - all[position]!.due - 1000 / lane.rate) < 0.001));
    const lateness = all.map(({ sent, due }) => sent - due);
    assert.ok(Math.min(...lateness) >= 0 && Math.max(...lateness) < 500, `sent ${Math.max(...lateness)} ms late`);
    const stalled = all.filter(({ due }) => due > paused + 50 && due < resumed - 50);
    assert.ok(stalled.length >= lane.rate * 1.3, `${stalled.length}`);
    assert.ok(stalled.every(({ ended, due, outcome }) => outcome === 'acknowledged' && ended >= resumed && ended - due > 40));
  }
});

test('the end waits for what is open, and sends no more', async (t) => {
  const lane = laneOf('write', 'reused', 'door', 50);
  const { target, prober, requests } = await open(t, [lane]);
  await systemClock.sleep(500);
  target.pause();
  await systemClock.sleep(300);
  const ended = prober.stop();
  const asked = prober.now();
  setTimeout(() => target.resume(), 500);
  await ended;
  assert.ok(prober.now() - asked >= 490);
  assert.ok(requests(lane).every(({ due, outcome }) => due <= asked && outcome === 'acknowledged'));
  assert.equal(target.answers.length, requests(lane).length);
});

test('after a process was held up, everything that became due is sent at once', async () => {
  let time = 0;
  const fired: [number, number][] = [];
  const stop = startOpenLoop([{ rate: 10, first: 50, fire: (due, turn) => fired.push([due, turn]) }], () => time);
  time = 449;
  await systemClock.sleep(150);
  assert.deepEqual(fired, [[50, 0], [150, 1], [250, 2], [350, 3]]);
  stop();
  time = 1000;
  await systemClock.sleep(150);
  assert.equal(fired.length, 4);
});

test('figures so far count outcomes and the longest gap, the one that still lasts included', () => {
  const lane = laneOf('write', 'new', 'VIP', 10);
  const figures = followLanes([lane]);
  const request = (ended: number, outcome: Request['outcome']): Request => ({ kind: 'request', lane: lane.name, operation: 'create', object: 'a', due: ended - 5, sent: ended - 5, ended, outcome });
  for (const record of [request(100, 'acknowledged'), request(400, 'acknowledged'), request(450, 'unknown'), request(460, 'refused')]) figures.add(record);
  const expected = { lane: lane.name, acknowledged: 2, refused: 1, unknown: 1, events: 0, cuts: 0 };
  assert.deepEqual(figures.at(500), [{ ...expected, longestGap: 300 }]);
  assert.deepEqual(figures.at(900), [{ ...expected, longestGap: 500 }]);
});
