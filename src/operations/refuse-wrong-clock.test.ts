import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshHost } from '../../test/support/seen-cluster.ts';
import { refuseWrongClock } from './refuse-wrong-clock.ts';

const now = Date.UTC(2026, 10, 25);
const facts = (...offsets: readonly number[]) => ({ observedAt: now, hosts: new Map(offsets.map((offset, position) => [`cp${position + 1}`, { ...freshHost('10.0.0.11'), clock: now + offset }])) });

describe('a clock that differs from the hosts\'', () => {
  for (const [title, offset, found] of [
    ['by ten minutes', -600_000, "cp2's is 10 minutes behind"],
    ['by five hours', 5 * 3_600_000, "cp2's is 5 hours ahead"],
    ['by 400 days', -400 * 86_400_000, "cp2's is 400 days behind"],
  ] as const) {
    it(`is refused ${title}`, () => assert.throws(() => refuseWrongClock(facts(0, offset)), (error: Error & { code: string }) => error.code === 'host-unfit' && error.message.includes(`(${found})`)));
  }

  it('is no reason as long as it is minutes', () => refuseWrongClock(facts(0, 200_000, -200_000)));

  it('is not looked for on a host that cannot be seen', () => refuseWrongClock({ observedAt: now, hosts: new Map([['cp1', { reachable: false, reason: 'off' }]]) }));
});
