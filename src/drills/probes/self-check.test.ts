import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { systemClock } from '../../lib/clock.ts';
import type { DrillRecord } from '../history/record.ts';
import { configMapCalls } from './config-map.ts';
import { clientTimers, endpointOf } from './connection.ts';
import { keptConnection } from './kept-connection.ts';
import { newConnections } from './new-connections.ts';
import { perform } from './perform.ts';
import type { LaneContext } from './perform.ts';
import { startProber } from './prober.ts';
import { selfCheck } from './self-check.ts';
import type { StartProbe } from './self-check.ts';

test('the prober in its own process passes its self-check', async () => {
  const { ok, reported, paused, why } = await selfCheck();
  assert.ok(ok, why);
  assert.ok(paused >= 970 && paused < 1500 && Math.abs(reported - paused) <= 30, `${reported} ${paused}`);
});

/** Waits for each answer before it thinks of the next request: what the self-check is there to find. `due` is when it got round to it. */
const closedLoop: StartProbe = (plan, { clock, onRecord }) => {
  const start = clock.monotonic();
  const now = () => clock.monotonic() - start;
  let stopping = false;
  const work = plan.lanes.map(async (lane, position) => {
    const endpoint = endpointOf(plan.doors[lane.door]!, plan);
    const connection = lane.connection === 'new' ? newConnections(endpoint) : keptConnection(endpoint, clientTimers[lane.connection], clock);
    const context: LaneContext = { lane, position, plan, connection, clock, now, draw: () => 0, emit: (record) => onRecord(record, ''), patience: 10_000, known: { add() {}, at: () => undefined } };
    for (let turn = 0; !stopping; turn++) {
      const object = `${position}-${turn}`;
      const due = now();
      await perform(context, due, { operation: 'create', object, value: object }, configMapCalls(plan.namespace).create(object, object));
      await clock.sleep(Math.max(0, 1000 / lane.rate - (now() - due)));
    }
    connection.close();
  });
  return Promise.resolve({
    async stop() {
      stopping = true;
      await Promise.all(work);
    },
  });
};

/** An honest prober in this process, whose clock and records can be tampered with. */
function tampered({ clock = systemClock, change = (record) => [record] }: { readonly clock?: Clock; readonly change?: (record: DrillRecord) => DrillRecord[] }): StartProbe {
  return (plan, { onRecord }) => Promise.resolve(startProber(plan, { clock, onRecord: (record) => change(record).forEach((one) => onRecord(one, '')) }));
}

const slow: Clock = { ...systemClock, monotonic: () => performance.now() * 0.9 };
const forgetful = (record: DrillRecord) => (record.kind === 'request' && record.object.endsWith('7') ? [] : [record]);
const mutants: readonly (readonly [string, StartProbe, RegExp])[] = [
  ['waits for answers', closedLoop, /sent nothing for \d+ ms/],
  ['has a clock that is a tenth too slow', tampered({ clock: slow }), /reports a gap of 9\d\d ms where 10\d\d ms were/],
  ['forgets answers', tampered({ change: forgetful }), /answers of its target are not among its records/],
];
for (const [what, startProbe, why] of mutants) {
  test(`a prober that ${what} is found out`, async () => {
    const check = await selfCheck({ startProbe });
    assert.equal(check.ok, false);
    assert.match(check.why!, why);
  });
}
