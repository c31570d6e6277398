import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { systemClock } from '../../lib/clock.ts';
import type { DrillRecord } from '../history/record.ts';
import { closedLoopProber } from '../mutants/closed-loop-prober.ts';
import { startProber } from './prober.ts';
import { selfCheck } from './self-check.ts';
import type { StartProbe } from './self-check.ts';

test('the prober in its own process passes its self-check', async () => {
  const { ok, reported, paused, why } = await selfCheck();
  assert.ok(ok, why);
  assert.ok(paused >= 970 && paused < 1500 && Math.abs(reported - paused) <= 30, `${reported} ${paused}`);
});

/** An honest prober in this process, whose clock and records can be tampered with. */
function tampered({ clock = systemClock, change = (record) => [record] }: { readonly clock?: Clock; readonly change?: (record: DrillRecord) => DrillRecord[] }): StartProbe {
  return (plan, { onRecord }) => Promise.resolve(startProber(plan, { clock, onRecord: (record) => change(record).forEach((one) => onRecord(one, '')) }));
}

const slow: Clock = { ...systemClock, monotonic: () => performance.now() * 0.9 };
const forgetful = (record: DrillRecord) => (record.kind === 'request' && record.object.endsWith('7') ? [] : [record]);
const mutants: readonly (readonly [string, StartProbe, RegExp])[] = [
  ['waits for answers', closedLoopProber.startProbe, /sent nothing for \d+ ms/],
  ['has a clock that is a tenth too slow', tampered({ clock: slow }), /reports a gap of [89]\d\d ms where 1\d{3} ms were/],
  ['forgets answers', tampered({ change: forgetful }), /answers of its target are not among its records/],
];
for (const [what, startProbe, why] of mutants) {
  test(`a prober that ${what} is found out`, async () => {
    const check = await selfCheck({ startProbe });
    assert.equal(check.ok, false);
    assert.match(check.why!, why);
  });
}
