import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aHost, cluster } from '../../../test/support/example-cluster.ts';
import { Secret } from '../../lib/secret.ts';
import { doorsOf, planLine, readPlanLine, standardLanes } from './probe-plan.ts';
import type { ProbePlan } from './probe-plan.ts';

const hosts = ['1', '2', '3'].map((number) => aHost({ name: `cp${number}`, address: `10.0.0.1${number}` }));
const doors = doorsOf({ ...cluster, hosts });

test('the doors of a cluster are the VIP and each API server', () => {
  assert.deepEqual(Object.entries(doors).map(([door, { address, port, serverName }]) => `${door}: ${address}:${port} ${serverName}`), [
    'VIP: 10.0.0.100:6443 kubernetes',
    'API server cp1: 10.0.0.11:6443 kubernetes',
    'API server cp2: 10.0.0.12:6443 kubernetes',
    'API server cp3: 10.0.0.13:6443 kubernetes',
  ]);
});

for (const preset of ['vip', 'all'] as const) {
  for (const names of [Object.keys(doors), [...Object.keys(doors), 'balancer cp1', 'balancer cp2', 'balancer cp3', 'API server cp4', 'API server cp5']]) {
    test(`the lanes "${preset}" of ${names.length} doors have names of their own and ask for little`, () => {
      const lanes = standardLanes(preset, names);
      assert.equal(new Set(lanes.map(({ name }) => name)).size, lanes.length);
      assert.ok(lanes.every(({ door, rate, workload }) => names.includes(door) && (workload === 'watch' ? rate === 0 : rate >= 1)));
      const total = lanes.reduce((sum, { rate }) => sum + rate, 0);
      assert.ok(total > 50 && total <= 150, `${total} requests a second`);
      const reached = new Set(lanes.map(({ door }) => door));
      assert.equal(reached.size, preset === 'vip' ? 1 : names.length);
    });
  }
}

test('the default lanes write, read and compare on both kinds of connection, and watch', () => {
  assert.deepEqual(standardLanes('vip', ['VIP']).map(({ name }) => name), [
    'watch, reused connection, VIP',
    'write, new connections, VIP',
    'write, reused connection, VIP',
    'write, reused connection with short timers, VIP',
    'read, new connections, VIP',
    'read, reused connection, VIP',
    'register, new connections, VIP',
    'register, reused connection, VIP',
  ]);
});

test('the key is in the line for the prober and nowhere else', () => {
  const plan: ProbePlan = { lanes: standardLanes('vip', ['VIP']), doors, ca: 'A', certificate: 'B', key: new Secret('sesame'), namespace: 'drill', seed: 1, run: 'r' };
  assert.ok(!JSON.stringify(plan).includes('sesame'));
  const read = readPlanLine(planLine(plan));
  assert.equal(read.key.reveal(), 'sesame');
  assert.deepEqual({ ...read, key: undefined }, { ...plan, key: undefined });
});
