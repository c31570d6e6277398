import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../../test/support/seen-cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parseSamples, startSampler, withDarkness, withinDoubt } from './sampler.ts';
import type { Stage } from './stage.ts';

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

test('a host whose clock is not known well surely had the VIP only from later on and until earlier', () => {
  const held = [false, true, true, true, true, true, false, false].map((holdsVip, turn) => ({ kind: 'sample', host: 'cp1', at: turn * 20, holdsVip }) as const);
  const samples = held.toSpliced(2, 0, { kind: 'sample', host: 'cp1', at: 25, servers: ['cp1 UP'] } as never);
  const heldAt = (doubt: number) => withinDoubt(samples, doubt).flatMap(({ at, holdsVip }) => (holdsVip ? [at] : []));
  assert.deepEqual(heldAt(0), [20, 40, 60, 80, 100]);
  assert.deepEqual(heldAt(15), [40, 60, 80]);
  assert.deepEqual(heldAt(30), [60]);
  assert.equal(withinDoubt(samples, 30).filter(({ holdsVip }) => !holdsVip).length, 4);
  assert.equal(withinDoubt(held.slice(1, 6), 30).length, 5, 'a host that has it all the time has no edge');
});

test('a host that cannot be asked any more does not take along what the others saw', async () => {
  const cluster = { ...clusterOf('T3'), hosts: clusterOf('T3').hosts.map((host) => ({ ...host, roles: ['load-balancer'] as const })) };
  let now = 0;
  const run = (name: string) => (script: string) => {
    const stdout = `${Number(process.hrtime.bigint()) / 1e6} vip 1\n`;
    if (name === 'cp2' && script.includes('disable')) return Promise.reject(new KubekeepError('host-unreachable', 'cp2: no answer'));
    return Promise.resolve({ host: name, exitCode: 0, stdout: name === 'cp3' ? '' : stdout, stderr: '' });
  };
  const hosts = new Map(cluster.hosts.map(({ name }) => [name, { name, run: run(name), write: async () => {} }]));
  const stage = { lab: {}, operation: { cluster, hosts, clock: { monotonic: () => now } } } as unknown as Stage;
  const sampler = await startSampler(stage, (monotonic) => monotonic);
  now = 60_000;
  const records = await sampler.stop();
  assert.deepEqual(records.map((record) => (record.kind === 'look' ? `${record.place}: ${record.about}: ${record.error}` : record.host)), ['cp1', 'cp2: VIP: cp2: no answer', 'cp3: VIP: cp3: nothing was written down']);
});
