import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aService } from '../../../test/support/example-cluster.ts';
import { anObservation } from '../../../test/support/example-observation.ts';
import { reachable, type BackendFact, type KubernetesService } from '../facts.ts';
import { judgeServices } from './judge-services.ts';
import type { Observation } from './observation.ts';

const vip = '10.0.0.201';
const found: KubernetesService = { name: 'default/web', nodePort: 30443, local: true, health: undefined, readyOn: ['w1'] };

/** What the balancers see of w1 and w2, and who of them has the VIP. */
function seen(servers: Readonly<Record<string, readonly [BackendFact['status'], BackendFact['status']]>>, holders: readonly string[], service: KubernetesService | undefined = found): Observation {
  const from = anObservation('T3', 2);
  const server = (name: string, status: BackendFact['status']): BackendFact => ({ backend: 'service-shop', server: name, status, serves: status === 'UP', lastCheck: status === 'UP' ? 'L7OK' : 'L7STS', lastCheckText: status === 'UP' ? '' : 'Layer7 wrong status: Not Found', sessions: 0 });
  const hosts = new Map([...from.facts.hosts].map(([name, host]) => {
    if (!reachable(host) || !servers[name]) return [name, host] as const;
    const addresses = [...host.addresses, ...(holders.includes(name) ? [{ interface: 'eth0', address: vip, prefix: 32 }] : [])];
    return [name, { ...host, addresses, serviceServers: servers[name].map((status, position) => server(`w${position + 1}`, status)) }] as const;
  }));
  return { ...from, cluster: { ...from.cluster, services: [aService({ listen: { vip, port: 443 }, check: { http: { path: '/healthz', expect: '200-299' } } })] }, facts: { ...from.facts, hosts }, services: new Map([['shop', service]]) };
}

const all = (status: readonly [BackendFact['status'], BackendFact['status']]) => ({ cp1: status, cp2: status, cp3: status });

describe('services in the status', () => {
  test('have a VIP on one balancer, and so many nodes that each balancer uses', () => {
    const { status, findings } = judgeServices(seen({ ...all(['UP', 'UP']), cp3: ['UP', 'DOWN'] }, ['cp2']));
    assert.deepEqual(findings, []);
    assert.deepEqual(status, [{ name: 'shop', vip, port: 443, holders: ['cp2'], leadsTo: 'default/web', nodes: 2, up: [{ host: 'cp1', nodes: 2 }, { host: 'cp2', nodes: 2 }, { host: 'cp3', nodes: 1 }] }]);
  });

  const cases: readonly (readonly [title: string, observation: Observation, message: RegExp])[] = [
    ['two holders', seen(all(['UP', 'UP']), ['cp1', 'cp3']), /^cp1 and cp3 both hold the VIP 10\.0\.0\.201 of service shop$/],
    ['no holder', seen(all(['UP', 'UP']), []), /^no load balancer holds the VIP 10\.0\.0\.201 of service shop$/],
    ['a path that never succeeds', seen(all(['DOWN', 'DOWN']), ['cp1']), /^service shop has no node that answers \/healthz with 200-299, seen from cp1, cp2 and cp3: w1 says Layer7 wrong status: Not Found \(L7STS\)$/],
    ['no Service, of which everything else follows', { ...seen(all(['DOWN', 'DOWN']), ['cp1']), services: new Map([['shop', undefined]]) }, /^service shop leads to node port 30443, which the cluster does not have$/],
  ];
  for (const [title, observation, message] of cases) {
    test(`${title} is one finding`, () => {
      const { findings } = judgeServices(observation);
      assert.equal(findings.length, 1, JSON.stringify(findings));
      assert.match(findings[0]!.message, message);
    });
  }
});
