import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { aService } from '../../test/support/example-cluster.ts';
import { anActiveUnit, anObservation, etcdAnswer } from '../../test/support/example-observation.ts';
import type { HostFacts, Unreachable } from '../operations/facts.ts';
import { judgeStatus } from '../operations/status/judge-status.ts';
import type { Observation } from '../operations/status/observation.ts';
import { describeStatus } from './describe-status.ts';

// After a change on purpose: npm run fix:golden, then read the difference.

/** A host is off, another drains, a scheduler has failed. */
function inTrouble(): Observation {
  const observation = anObservation();
  const hosts = new Map([...observation.facts.hosts].map(([name, found]): [string, HostFacts | Unreachable] => {
    if (name === 'cp3') return [name, { reachable: false, reason: 'cp3 (root@10.0.0.13): Connection timed out' }];
    const seen = found as HostFacts;
    const status = { cp1: 'UP', cp2: 'DRAIN', cp3: 'DOWN' } as Record<string, string>;
    const units = name === 'cp2' ? new Map([...seen.units, ['kube-scheduler.service', anActiveUnit({ active: 'failed' })]]) : seen.units;
    return [name, { ...seen, units, apiServer: { live: true, ready: name === 'cp1' }, backends: seen.backends.map((one) => ({ ...one, status: one.backend === 'api' ? status[one.server]! : one.server === 'cp1' ? 'UP' : 'DOWN' })) }];
  }));
  const silent = { ok: false, reason: 'no connection' } as const;
  return {
    ...observation,
    facts: { ...observation.facts, hosts },
    etcd: new Map([...observation.etcd, ['cp2', { ok: true, value: etcdAnswer(observation.cluster.hosts[1]!, observation.cluster.hosts, { errors: ['memberID:162 alarm:NOSPACE'], dbSizeInUse: 8 * 2 ** 30, dbSize: 8 * 2 ** 30 }) }], ['cp3', silent]]),
    api: new Map([...observation.api, ['cp3', silent]]),
    endpoint: new Map([...observation.endpoint, ['cp3', silent]]),
    drift: { ok: true, value: [{ host: 'cp1', component: 'haproxy', reasons: ['/etc/kubekeep/haproxy.cfg differs', 'kubekeep-haproxy.service has not been restarted since its files changed'] }] },
  };
}

/** One service that works, and one that no balancer can serve. */
function withServices(): Observation {
  const observation = anObservation('T1', 2);
  const services = [aService({ listen: { vip: '10.0.0.201', port: 443 } }), aService({ name: 'blog', listen: { vip: '10.0.0.100', port: 80 }, forward: { namespace: 'web', service: 'blog', port: 'http' } })];
  const servers = services.flatMap(({ name }) => ['w1', 'w2'].map((server) => ({ backend: `service-${name}`, server, status: name === 'shop' ? 'UP' : 'MAINT', serves: name === 'shop', lastCheck: '', sessions: 0 })));
  const hosts = new Map([...observation.facts.hosts].map(([name, found]): [string, HostFacts | Unreachable] => {
    const seen = found as HostFacts;
    return [name, { ...seen, addresses: [...seen.addresses, { interface: 'eth0', address: '10.0.0.201', prefix: 32 }], serviceServers: servers, units: new Map([...seen.units, ...['kubekeep-services', 'kubekeep-service-vips', 'kubekeep-services-alive', 'kubekeep-services-guard', 'kubekeep-steer'].map((unit) => [`${unit}.service`, anActiveUnit()] as const)]) }];
  }));
  const known = new Map([['shop', { name: 'shop/web', nodePort: 30443, local: true, health: undefined, readyOn: ['w1', 'w2'] }], ['blog', undefined]]);
  return { ...observation, cluster: { ...observation.cluster, services }, facts: { ...observation.facts, hosts }, services: known };
}

describe('the screen of kubekeep status', () => {
  const screens: readonly (readonly [name: string, observation: () => Observation])[] = [
    ['healthy-T3', () => anObservation()],
    ['healthy-T3E', () => anObservation('T3E')],
    ['in-trouble', inTrouble],
    ['services', withServices],
  ];
  for (const [name, observation] of screens) {
    test(`${name} is as in its golden file and fits 100 columns`, (t: TestContext) => {
      const text = describeStatus(judgeStatus(observation()), { colour: false });
      for (const line of text.split('\n')) assert.ok(line.length <= 100, `${line.length} columns: ${line}`);
      t.assert.fileSnapshot(`${text}\n`, join(import.meta.dirname, 'golden', `status-${name}.txt`), { serializers: [(value: string) => value] });
    });
  }

  test('colours change nothing but the colour', () => {
    const status = judgeStatus(inTrouble());
    const painted = describeStatus(status, { colour: true });
    assert.match(painted, /\x1b\[31m/);
    assert.equal(painted.replaceAll(/\x1b\[\d+m/g, ''), describeStatus(status, { colour: false }));
  });
});
