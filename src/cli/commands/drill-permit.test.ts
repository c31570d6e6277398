import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTime } from './drill-permit.ts';

test('a permit begins at a time with its zone, now where none is said, and on no day that never comes', () => {
  assert.equal(startTime('2026-11-28T23:00+01:00', 0), Date.UTC(2026, 10, 28, 22));
  assert.equal(startTime(undefined, 7), 7);
  for (const text of ['2026-02-30T22:00:00Z', '2026-11-28T22:00:00', '2026-11-28', 'tomorrow']) assert.throws(() => startTime(text, 0), { code: 'usage', message: `--from wants a time with its zone, not "${text}"` });
});
