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

for (const names of [Object.keys(doors), [...Object.keys(doors), 'API server cp4', 'API server cp5', ...Array.from({ length: 20 }, (_, n) => `API server ${n}`)]]) {
  test(`the lanes of ${names.length} doors have names of their own, reach every door and ask for little`, () => {
    const lanes = standardLanes(names);
    assert.equal(new Set(lanes.map(({ name }) => name)).size, lanes.length);
    assert.ok(lanes.every(({ rate, workload }) => (workload === 'watch' ? rate === 0 : rate > 0)));
    const total = lanes.reduce((sum, { rate }) => sum + rate, 0);
    assert.ok(total > 120 && total < 130.001, `${total} requests a second`);
    assert.deepEqual([...new Set(lanes.map(({ door }) => door))], names);
  });
}

test('a service that speaks HTTP is a door without TLS and asked for its page, and takes nothing from the lanes of the API', () => {
  const service = { name: 'shop', listen: { vip: '10.0.0.101', port: 80 }, forward: { nodePort: 30080 }, labels: {}, balance: 'roundrobin', load: true, check: 'tcp', mode: 'http', maxConnections: 100 } as const;
  const both = doorsOf({ ...cluster, hosts, services: [service, { ...service, name: 'mail', mode: 'tcp' }] });
  const { 'service shop': shop, ...others } = both;
  assert.deepEqual([shop, others], [{ address: '10.0.0.101', port: 80 }, doors]);
  const lanes = standardLanes(Object.keys(both));
  assert.deepEqual(lanes.filter(({ door }) => door === 'service shop').map(({ name }) => name), ['visit, new connections, service shop', 'visit, reused connection, service shop']);
  assert.deepEqual(lanes.filter(({ workload }) => workload !== 'visit'), standardLanes(Object.keys(doors)));
});

test('the lanes through the VIP are the same however many API servers there are', () => {
  const through = (names: readonly string[]) => standardLanes(names).filter(({ door }) => door === 'VIP');
  assert.deepEqual(through(Object.keys(doors)), through(['VIP']));
});

test('the default lanes write, read and compare on both kinds of connection, and watch', () => {
  assert.deepEqual(standardLanes(['VIP']).map(({ name }) => name), [
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
  const plan: ProbePlan = { lanes: standardLanes(['VIP']), doors, ca: 'A', certificate: 'B', key: new Secret('sesame'), namespace: 'drill', seed: 1, run: 'r' };
  assert.ok(!JSON.stringify(plan).includes('sesame'));
  const read = readPlanLine(planLine(plan));
  assert.equal(read.key.reveal(), 'sesame');
  assert.deepEqual({ ...read, key: undefined }, { ...plan, key: undefined });
});
