import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aHost, aService } from '../../../test/support/example-cluster.ts';
import { builtCluster, freshCluster, outline, planOf, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import type { ServiceSpec } from '../../cluster/service.ts';
import { servicesUnit, serviceVipsUnit, unitFolder } from '../../render/paths.ts';
import type { KubernetesService, ServicesFact } from '../facts.ts';
import { refuseServices } from './refuse-services.ts';
import { serviceProblems } from './service-problems.ts';

const built = await builtCluster('T3', 2);
const found: KubernetesService = { name: 'default/web', nodePort: 30443, local: true, health: 32000, readyOn: ['w1', 'w2'] };
const withServices = ({ cluster, facts }: SeenCluster, services: readonly ServiceSpec[], known?: ServicesFact): SeenCluster => ({ cluster: { ...cluster, services }, facts: { ...facts, services: known } });
const steps = (seen: SeenCluster) => outline(planOf(seen), { reasons: true }).filter((line) => line.startsWith('services'));
const own = { vip: '10.0.0.201', port: 443 };
const byName = { namespace: 'default', service: 'web', port: 'https' };

describe('services in a plan', () => {
  test('are given to the balancers in turn, their own VIPs after them', () => {
    const expected = ['cp1', 'cp2', 'cp3'].flatMap((host) => [`services in turn ${host}/services start: services is not there yet`, `services in turn ${host}/service-vips start: service-vips is not there yet`]);
    assert.deepEqual(steps(withServices(built, [aService({ listen: own })])), expected);
  });

  test('at the VIP of the endpoint need no second keepalived', () => {
    assert.deepEqual(steps(withServices(built, [aService()])).map((line) => line.split(' ')[3]), ['cp1/services', 'cp2/services', 'cp3/services']);
  });

  test('are left as they are where the API server cannot be asked what they lead to', () => {
    const asked = [aService({ forward: byName })];
    assert.deepEqual(steps(withServices(built, asked)), []);
    assert.equal(steps(withServices(built, asked, new Map([['shop', found]]))).length, 3);
  });

  test('are taken away where nobody wants them any more, their VIPs first', () => {
    const there = withHost(built, 'cp2', ({ files }) => ({ files: new Map([...files, ...[servicesUnit, serviceVipsUnit].map((unit) => [`${unitFolder}/${unit}`, { sha256: '', mode: 0o644, owner: 'root:root' }] as const)]) }));
    assert.deepEqual(steps(there), [`services in turn cp2/service-vips remove: the cluster file does not want ${serviceVipsUnit} any more`, `services in turn cp2/services remove: the cluster file does not want ${servicesUnit} any more`]);
    assert.equal(steps(withServices(there, [aService()])).filter((line) => line.includes('remove')).length, 1);
  });

  test('leave a host that is a load balancer no more before the others change, which will not listen to it', () => {
    const cluster = { ...built.cluster, hosts: built.cluster.hosts.map((host) => (host.name === 'cp3' ? { ...host, roles: ['etcd', 'control-plane'] as const } : host)) };
    const seen = withHost({ ...built, cluster }, 'cp3', ({ files }) => ({ files: new Map([...files, [`${unitFolder}/${serviceVipsUnit}`, { sha256: '', mode: 0o644, owner: 'root:root' }] as const]) }));
    assert.deepEqual(steps(withServices(seen, [aService({ listen: own })])).map((line) => line.split(' ')[3])[0], 'cp3/service-vips');
  });

  test('come to a balancer that is new when those that hold their VIPs know it', () => {
    const old = ['cp2', 'cp3'].reduce((seen, name) => withHost(seen, name, ({ files }) => ({ files: new Map([...files, [`${unitFolder}/${serviceVipsUnit}`, { sha256: '', mode: 0o644, owner: 'root:root' }] as const]) })), built);
    assert.deepEqual([...new Set(steps(withServices(old, [aService({ listen: own })])).map((line) => line.split(' ')[3]!.split('/')[0]))], ['cp2', 'cp3', 'cp1']);
  });

  test('of a new cluster are built with it', () => {
    const fresh = freshCluster('T1', 2);
    assert.deepEqual(steps(withServices(fresh, [aService({ forward: byName })])), ['services in turn cp1/services start: services is not there yet']);
  });

  test('say in a warning what is wrong with them', () => {
    assert.deepEqual(planOf(withServices(built, [aService()], new Map([['shop', undefined]]))).warnings, ['service shop leads to node port 30443, which the cluster does not have']);
  });
});

test('a service at a port that another program has on a balancer is refused, and one whose Service does not fit', () => {
  const taken = withHost(built, 'cp2', () => ({ openPorts: new Set([22, 443]) }));
  assert.throws(() => refuseServices({ ...built.cluster, services: [aService()] }, taken.facts), { code: 'host-unfit', message: 'cp2: port 443 of service shop is taken by a program that listens on it at all addresses' });
  assert.throws(() => refuseServices({ ...built.cluster, services: [aService({ load: true })] }, { ...built.facts, services: new Map([['shop', { ...found, local: false }]]) }), { code: 'unsupported-change' });
  refuseServices({ ...built.cluster, services: [aService({ load: true })] }, { ...built.facts, services: new Map([['shop', found]]) });
});

describe('what is wrong with a service', () => {
  const hosts = [aHost(), aHost({ name: 'w1', roles: ['worker'], labels: { zone: 'a' } }), aHost({ name: 'w2', roles: ['worker'] })];
  const cases: readonly (readonly [title: string, service: Partial<ServiceSpec>, found: Partial<KubernetesService> | undefined, message: RegExp | undefined])[] = [
    ['a Service with pods', {}, {}, undefined],
    ['no Service of that node port', {}, undefined, /^service shop leads to node port 30443, which the cluster does not have$/],
    ['no Service of that name', { forward: byName }, undefined, /^service shop leads to default\/web:https, which the cluster does not have$/],
    ['a Service without that port', { forward: byName }, { nodePort: undefined }, /^service shop leads to default\/web:https, and that Service has no such port with a node port$/],
    ['a Service without pods', {}, { readyOn: [] }, /^service shop has no pod: no endpoint of default\/web is ready$/],
    ['pods on other nodes', { labels: { zone: 'a' } }, { readyOn: ['w2'] }, /^service shop has no pod on w1, and default\/web has externalTrafficPolicy Local$/],
    ['pods on other nodes, which any node reaches', { labels: { zone: 'a' } }, { readyOn: ['w2'], local: false }, undefined],
    ['a load that steers nothing', { load: true }, { local: false }, /^service shop cannot follow the load of its nodes: default\/web has externalTrafficPolicy Cluster/],
    ['a load that steers', { load: true }, {}, undefined],
    ['a check that nobody answers', { check: 'local' }, { health: undefined }, /^service shop cannot be checked by kube-proxy: default\/web has not both/],
  ];
  for (const [title, service, kubernetes, message] of cases) {
    test(`${title}: ${message ? 'is told' : 'is fine'}`, () => {
      const [problem] = serviceProblems({ hosts, services: [aService(service)] }, new Map([['shop', kubernetes && { ...found, ...kubernetes }]]));
      if (message) assert.match(problem?.message ?? '', message);
      else assert.equal(problem, undefined);
    });
  }

  test('nothing is said where no API server could be asked', () => {
    assert.deepEqual(serviceProblems({ hosts, services: [aService()] }, undefined), []);
  });
});
