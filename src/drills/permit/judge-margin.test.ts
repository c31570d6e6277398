import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { builtCluster, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import type { Topology } from '../../cluster/topologies.ts';
import type { HostFacts } from '../../operations/facts.ts';
import { faultComponents, type FaultComponent } from '../faults/fault.ts';
import { marginReason } from './judge-margin.ts';

const noEtcd = (facts: HostFacts): HostFacts => ({ ...facts, etcd: { ...facts.etcd, ready: false } });
const noServer = (facts: HostFacts): HostFacts => ({ ...facts, apiServer: { live: true, ready: false } });
const noKeepalived = (facts: HostFacts): HostFacts => ({ ...facts, units: new Map([...facts.units].filter(([unit]) => unit !== 'kubekeep-keepalived.service')) });
const noBackend = (facts: HostFacts): HostFacts => ({ ...facts, backends: [] });
const gone = () => ({ reachable: false, reason: 'no answer' }) as const;

/** As it is seen while HAProxy answers. */
const serving = ({ cluster, facts }: SeenCluster): SeenCluster => {
  const backends = cluster.hosts.map(({ name }) => ({ backend: 'api', server: name, status: 'UP', serves: true, lastCheck: 'L7OK', sessions: 0 }));
  return { cluster, facts: { ...facts, hosts: new Map([...facts.hosts].map(([name, found]) => [name, { ...found, backends }])) } };
};
const [one, three] = [serving(await builtCluster('T1')), serving(await builtCluster('T3'))];

describe('the margin for a drill outside a lab', () => {
  for (const component of faultComponents) {
    it(`is there for ${component} where three of three are ready`, () => {
      assert.equal(marginOf(three, component), undefined);
    });
  }

  for (const [title, topology, component, changes, reason] of [
    ['one member of one', 'T1', 'HAProxy', {}, /^etcd has no margin: 1 of 1 members is ready, and 1 are needed$/],
    ['two members of three', 'T3', 'HAProxy', { cp2: noEtcd }, /^etcd has no margin: 2 of 3 members are ready, and 2 are needed$/],
    ['a host that does not answer', 'T3', 'keepalived', { cp3: gone }, /^etcd has no margin: 2 of 3/],
    ['one API server', 'T3', 'API server', { cp1: noServer, cp2: noServer }, /^only one API server is ready/],
    ['one API server', 'T3', 'etcd', { cp1: noServer, cp2: noServer }, /^only one API server is ready/],
    ['one balancer with keepalived', 'T3', 'keepalived', { cp1: noKeepalived, cp3: noKeepalived }, /^only one balancer is ready/],
    ['one balancer whose HAProxy answers', 'T3', 'HAProxy', { cp1: noBackend, cp3: noBackend }, /^only one balancer is ready/],
    ['one balancer', 'T3', 'host', { cp1: noBackend, cp3: noBackend }, /^only one balancer is ready/],
    ['no balancer', 'T3', 'network', { cp1: noBackend, cp2: noBackend, cp3: noBackend }, /^no balancer is ready/],
  ] as const satisfies readonly (readonly [string, Topology, FaultComponent, Changes, RegExp])[]) {
    it(`is too small for ${component} with ${title}`, () => {
      assert.match(marginOf(topology === 'T1' ? one : three, component, changes) ?? '', reason);
    });
  }

  it('is there for HAProxy with one API server, and for an etcd of five with one member down', async () => {
    assert.equal(marginOf(three, 'HAProxy', { cp1: noServer, cp2: noServer }), undefined);
    const five = serving(await builtCluster('T5'));
    const down = five.cluster.hosts.find(({ roles }) => roles.includes('etcd'))!.name;
    assert.equal(marginOf(five, 'etcd', { [down]: noEtcd }), undefined);
  });
});

type Changes = Readonly<Record<string, (facts: HostFacts) => HostFacts | { readonly reachable: false; readonly reason: string }>>;

function marginOf({ cluster, facts }: SeenCluster, component: FaultComponent, changes: Changes = {}): string | undefined {
  const hosts = new Map([...facts.hosts].map(([name, found]) => [name, changes[name] ? changes[name](found as HostFacts) : found]));
  return marginReason(cluster, { ...facts, hosts }, { component });
}
