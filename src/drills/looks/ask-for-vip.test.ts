import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnswers } from './ask-for-vip.ts';

const hostOf = new Map([['02:00:00:00:00:01', 'cp1'], ['02:00:00:00:00:02', 'cp2']]);
const parse = (lines: readonly string[]) => parseAnswers(lines, { toProber: (monotonic) => monotonic - 1000, hostOf });

test('answers become stretches in the prober\'s time, in the order in which was asked', () => {
  assert.deepEqual(parse(['1010.0 ping 1', '1000.0 ping 1', '1030.0 ping 0', '1020.0 ping 0', '1040.0 ping 1']), [
    { kind: 'asked', how: 'ping', at: 0, until: 10, count: 2, answered: true },
    { kind: 'asked', how: 'ping', at: 20, until: 30, count: 2, answered: false },
    { kind: 'asked', how: 'ping', at: 40, until: 40, count: 1, answered: true },
  ]);
});

test('who answered by ARP is told by name, a card that is no host\'s by its address', () => {
  assert.deepEqual(parse(['1000.0 arp 02:00:00:00:00:01', '1100.0 arp', '1200.0 arp 02:00:00:00:00:09 02:00:00:00:00:02']).map(({ answered, by }) => [answered, by]), [
    [true, ['cp1']],
    [false, []],
    [true, ['02:00:00:00:00:09', 'cp2']],
  ]);
});

test('a stretch ends where nothing was asked for a while, and a line that was cut is left out', () => {
  assert.deepEqual(parse(['1000.0 ping 1', '3000.0 ping 1', '3010.0 pi']).map(({ at, count }) => [at, count]), [[0, 1], [2000, 1]]);
});
