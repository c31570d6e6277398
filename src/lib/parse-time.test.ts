import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTime } from './parse-time.ts';

for (const [day, clock, zone, expected] of [
  ['2026-11-28', '22:00:00', 'Z', '2026-11-28T22:00:00.000Z'],
  ['2026-11-28', '23:00', '+01:00', '2026-11-28T22:00:00.000Z'],
  ['2028-02-29', '00:30', '+01:00', '2028-02-28T23:30:00.000Z'],
  ['2026-02-29', '00:00', 'Z', undefined],
  ['2026-02-30', '00:00', 'Z', undefined],
  ['2026-04-31', '12:00', '-03:00', undefined],
  ['2026-13-01', '00:00', 'Z', undefined],
  ['2026-11-28', '25:00', 'Z', undefined],
] as const) {
  test(`${day} ${clock} ${zone} is ${expected ?? 'no time'}`, () => {
    const time = parseTime(day, clock, zone);
    assert.equal(Number.isNaN(time) ? undefined : new Date(time).toISOString(), expected);
  });
}
