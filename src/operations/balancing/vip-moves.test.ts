import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aService } from '../../../test/support/example-cluster.ts';
import { anActiveUnit, anObservation } from '../../../test/support/example-observation.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { reachable, type ClusterFacts, type HostFacts, type Unreachable } from '../facts.ts';
import { vipMoves, whyNotMovable } from './vip-moves.ts';

const units = ['kubekeep-services', 'kubekeep-service-vips', 'kubekeep-services-alive', 'kubekeep-services-guard'].map((name) => `${name}.service`);
const from = anObservation('T3', 2);
const cluster: Cluster = { ...from.cluster, services: [201, 202, 203, 201].map((last, position) => aService({ name: ['shop', 'blog', 'mail', 'feed'][position]!, listen: { vip: `10.0.0.${last}`, port: 80 + position } })) };

/** Balancers with the last numbers of the VIPs that they have; "off" where one does not answer. `changes` of one of them. */
function seen(holds: Readonly<Record<string, readonly number[] | 'off'>>, changes: Readonly<Record<string, Partial<HostFacts>>> = {}): Pick<ClusterFacts, 'hosts'> {
  return { hosts: new Map([...from.facts.hosts].map(([name, host]): [string, HostFacts | Unreachable] => {
    const held = holds[name] ?? [];
    if (held === 'off' || !reachable(host)) return [name, { reachable: false, reason: 'no route' }];
    const addresses = [...host.addresses, ...held.map((last) => ({ interface: 'eth0', address: `10.0.0.${last}`, prefix: 32 }))];
    const serviceServers = cluster.services.map(({ name: service }) => ({ backend: `service-${service}`, server: 'w1', status: 'UP', serves: true, lastCheck: 'L4OK', sessions: 0 }) as const);
    return [name, { ...host, addresses, serviceServers, units: new Map([...host.units, ...units.map((unit) => [unit, anActiveUnit()] as const)]), ...changes[name] }];
  })) };
}

const home = { cp1: [201], cp2: [202], cp3: [203] };
const together = { cp1: [201, 202, 203] };
const move = (last: number, services: string[], source: string, to: string) => ({ vip: `10.0.0.${last}`, services, from: source, to });

describe('VIPs of services that are not where they should be', () => {
  test('are none where each balancer has its own', () => assert.deepEqual([vipMoves(cluster, seen(home)), whyNotMovable(cluster, seen(home))], [[], []]));

  test('go each to the balancer that has it rather than the others, with all services that are there', () => {
    assert.deepEqual(vipMoves(cluster, seen(together)), [move(202, ['blog'], 'cp1', 'cp2'), move(203, ['mail'], 'cp1', 'cp3')]);
    assert.deepEqual(vipMoves(cluster, seen({ cp2: [202], cp3: [201, 203] })), [move(201, ['shop', 'feed'], 'cp3', 'cp1')]);
    assert.deepEqual(whyNotMovable(cluster, seen(together)), []);
  });

  test("are not the endpoint's, nor one that two have or nobody", () => {
    assert.deepEqual(vipMoves({ ...cluster, services: [aService({ listen: { vip: cluster.endpoint.vip, port: 443 } })] }, seen({ cp2: [100] })), []);
    for (const holds of [{ cp2: [201, 202], cp3: [201, 203] }, { cp2: [202], cp3: [203] }]) {
      assert.deepEqual(vipMoves(cluster, seen(holds)), []);
      assert.match(whyNotMovable(cluster, seen(holds)).join(), /^the VIP 10\.0\.0\.201 is on (cp2 and cp3|no load balancer)$/);
    }
  });
});

const stopped = { units: new Map(units.map((unit) => [unit, anActiveUnit(unit.startsWith('kubekeep-services-alive') ? { active: 'failed' } : {})])) };
const cases: readonly (readonly [title: string, facts: Pick<ClusterFacts, 'hosts'>, why: string, moves: number])[] = [
  ['one that should have them does not answer', seen({ ...together, cp3: 'off' }), 'cp3 cannot be reached', 1],
  ['one that should have them has a unit that does not run', seen(together, { cp2: stopped }), 'kubekeep-services-alive.service does not run on cp2', 1],
  ['one that has them has a unit that does not run', seen(together, { cp1: { ...stopped } }), 'kubekeep-services-alive.service does not run on cp1', 2],
  ['one that should have them reaches no node', seen(together, { cp2: { serviceServers: [] } }), 'cp2 reaches no node of service blog', 2],
];

describe('VIPs are not moved where', () => {
  for (const [title, facts, why, moves] of cases) test(title, () => assert.deepEqual([whyNotMovable(cluster, facts), vipMoves(cluster, facts).length], [[why], moves]));
});
