import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtCluster, freshCluster, outline, planOf, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import type { Networks } from '../../cluster/cluster.ts';
import type { DnsFact } from '../facts.ts';

const built = await builtCluster('T1', 1);
const withDns = ({ cluster, facts }: SeenCluster, change: Partial<DnsFact>): SeenCluster => ({ cluster, facts: { ...facts, dns: { ...facts.dns!, ...change } } });
const withNetworks = ({ cluster, facts }: SeenCluster, change: Partial<Networks>): SeenCluster => ({ cluster: { ...cluster, networks: { ...cluster.networks, ...change } }, facts });
const dnsLines = (seen: SeenCluster) => outline(planOf(seen), { reasons: true }).filter((line) => line.startsWith('dns'));
const none: DnsFact = { service: undefined, config: false, deployment: undefined };
const deployment = built.facts.dns!.deployment!;

describe('DNS for pods', () => {
  test('is installed once, when the first workers have joined', () => {
    assert.deepEqual(dnsLines(freshCluster('T1', 1)), ['dns in turn cluster/dns install: nothing answers pods that ask for names']);
    assert.deepEqual(dnsLines(built), []);
  });

  for (const [what, change, reason] of [
    ['comes to a cluster that had workers before', none, 'nothing answers pods that ask for names'],
    ['has its Service again', { service: undefined }, 'its Service is missing'],
    ['has its configuration again', { config: false }, 'its ConfigMap is missing'],
    ['has its Deployment again', { deployment: undefined }, 'its Deployment is missing'],
    ['is changed with the cluster file', { deployment: { ...deployment, told: 'of before' } }, 'the cluster file has changed since'],
    ['is as it was made, also after a change by hand', { deployment: { ...deployment, template: 'another' } }, 'the pods of its Deployment were changed by hand'],
    ['is finished where that was cut', { deployment: { ...deployment, made: undefined } }, 'the pods of its Deployment were changed by hand'],
  ] as const) {
    test(what, () => assert.deepEqual(dnsLines(withDns(built, change)), [`dns in turn cluster/dns install: ${reason}`]));
  }

  test('follows the version of Kubernetes, the registry, and the networks of the cluster file', () => {
    for (const change of [{ services: '10.97.0.0/16' }, { dnsDomain: 'prod.example' }]) assert.equal(dnsLines(withNetworks(built, change)).length, 1, JSON.stringify(change));
    for (const change of [{ version: '1.37.3' }, { imageRepository: 'mirror.example' }]) assert.equal(dnsLines({ ...built, cluster: { ...built.cluster, kubernetes: { ...built.cluster.kubernetes, ...change } } }).length, 1, JSON.stringify(change));
  });

  test("is left alone, and said so, where it is somebody else's", () => {
    for (const [dns, why] of [
      [{ service: { name: 'dns/coredns', ours: false }, config: false, deployment: undefined }, /: Service dns\/coredns has 10\.96\.0\.10\. Say networks\.dns: none/],
      [{ service: undefined, config: true, deployment: { ...deployment, told: undefined } }, /: Deployment kube-system\/coredns is there/],
    ] as const) {
      assert.deepEqual(dnsLines(withDns(built, dns)), []);
      assert.match(planOf(withDns(built, dns)).warnings.join(), why);
      const said = planOf(withNetworks(withDns(built, dns), { dns: 'none' }));
      assert.deepEqual(said.warnings, []);
    }
  });

  test('is nobody\'s concern without workers, with `dns: none`, and while no API server answers', async () => {
    assert.deepEqual(dnsLines(await builtCluster('T1')), []);
    assert.deepEqual(dnsLines(withNetworks(freshCluster('T1', 1), { dns: 'none' })), []);
    assert.deepEqual(dnsLines({ ...built, facts: { ...built.facts, dns: undefined } }), []);
    assert.deepEqual(dnsLines(withHost({ ...built, facts: { ...built.facts, dns: undefined } }, 'w1', () => ({ joined: false }))).length, 1);
  });
});
