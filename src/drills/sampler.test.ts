import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSamples, withDarkness } from './sampler.ts';

test('the lines of a watcher become samples in the prober\'s time, the states of servers in words', () => {
  const text = '1000.5 vip 1\n1200.0 servers cp1:2:0 cp2:0:0 cp3:2:8 .\n';
  assert.deepEqual(parseSamples('cp1', text, (monotonic) => monotonic - 1000), [
    { kind: 'sample', host: 'cp1', at: 0.5, holdsVip: true },
    { kind: 'sample', host: 'cp1', at: 200, servers: ['cp1 UP', 'cp2 DOWN', 'cp3 DRAIN'] },
  ]);
});

test('a line that the loss of power cut off is left out', () => {
  for (const cut of ['1000.', '1000 v', '1000 vip', '1000 vip \0\0', '1000 servers cp1:2:0 cp2:', '\0\0\0']) assert.deepEqual(parseSamples('cp1', `1.0 vip 0\n${cut}`, Number).length, 1, cut);
});

test('a host that was not seen after its power may have been cut held nothing in that time; a hole before that stays one', () => {
  const sample = (at: number, holdsVip = true) => ({ kind: 'sample', host: 'cp1', at, holdsVip }) as const;
  const filled = withDarkness('cp1', [sample(0), sample(2000), sample(2100), sample(3100, false)], 2050);
  assert.deepEqual(filled.slice(4).map(({ at, holdsVip }) => [at, holdsVip]), [2300, 2500, 2700, 2900].map((at) => [at, false]));
});
