import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtCluster, outline, planOf, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import type { Networks } from '../../cluster/cluster.ts';
import { fixedNetworks } from '../../render/system.ts';
import { refuseOlderEtcd } from './refuse-older-etcd.ts';
import { refuseOtherNetworks } from './refuse-other-networks.ts';

const built = await builtCluster('T3');
const nodes = await builtCluster('T3', 1);
const { pods, services, dnsDomain } = built.cluster.networks;
const fileWith = (networks: Partial<Networks>, { cluster, facts }: SeenCluster = built) => ({ cluster: { ...cluster, networks: { ...cluster.networks, ...networks } }, facts });
const judge = ({ cluster, facts }: SeenCluster) => refuseOtherNetworks(cluster, facts);
const noted = (seen: SeenCluster, name: string) => withHost(seen, name, ({ identity }) => ({ identity: { ...identity!, networks: fixedNetworks(built.cluster) } }));
const unknown = ['cp1', 'cp2', 'cp3'].reduce((seen, name) => withHost(seen, name, ({ identity }) => ({ identity: { cluster: identity!.cluster, id: identity!.id, virtualRouterId: identity!.virtualRouterId } })), built);

describe('networks of a cluster that was built', () => {
  for (const [field, changed, was] of [['pods', { pods: '10.245.0.0/16' }, pods], ['services', { services: '10.97.0.0/16' }, services], ['dnsDomain', { dnsDomain: 'shop.local' }, dnsDomain]] as const) {
    test(`spec.networks.${field} stays, also where one host alone says so`, () => {
      const expected = { code: 'unsupported-change', message: `spec.networks.${field} is ${Object.values(changed)[0]}, and the cluster was built with ${was}, which stays` };
      assert.throws(() => judge(fileWith(changed, noted(unknown, 'cp2'))), expected);
    });
  }

  test('are as they were where nothing of them changed, and where only who connects pods or answers for names did', () => {
    judge(noted(unknown, 'cp2'));
    judge(fileWith({ cni: 'none', dns: 'none' }, noted(unknown, 'cp2')));
  });

  test('cni: bridge stays as long as there are nodes that have it', () => {
    const cleaned = withHost(nodes, 'w1', ({ files }) => ({ files: new Map([...files].filter(([path]) => path !== '/etc/cni/net.d/10-kubekeep.conflist')) }));
    assert.throws(() => judge(fileWith({ cni: 'none' }, nodes)), { code: 'unsupported-change', message: 'spec.networks.cni is none, and w1 is a node with the network of cni: bridge' });
    judge(nodes);
    judge(fileWith({ cni: 'none' }, cleaned));
    assert.throws(() => judge(fileWith({ cni: 'none' }, withHost(nodes, 'w1', () => ({ joined: false })))), { code: 'unsupported-change' });
  });

  test('may change until etcd has had its quorum', () => {
    const before = ['cp1', 'cp2', 'cp3'].reduce((seen, name) => withHost(seen, name, ({ etcd }) => ({ completed: false, etcd: { ...etcd, formed: false, ready: false } })), noted(unknown, 'cp1'));
    judge(fileWith({ pods: '10.245.0.0/16' }, before));
  });

  test('are not known where an earlier release has built it, and are noted then', () => {
    judge(fileWith({ pods: '10.245.0.0/16' }, unknown));
    const old = withHost(unknown, 'cp1', ({ files }) => ({ files: new Map([...files, ['/etc/kubekeep/cluster.json', { sha256: 'of before', mode: 0o644, owner: 'root:root' }]]) }));
    assert.deepEqual(outline(planOf(old), { reasons: true })[0], 'prepare together cp1/system none: /etc/kubekeep/cluster.json differs');
  });
});

test("etcd's data is given to no earlier minor version of it", () => {
  const version = (wanted: string, data: string | undefined) => () => refuseOlderEtcd({ ...built.cluster, etcd: { ...built.cluster.etcd, version: wanted } }, data);
  assert.throws(version('3.6.16', '3.7.0'), { code: 'unsupported-change', message: "etcd's data is of version 3.7, and etcd 3.6.16 cannot read it" });
  for (const [wanted, data] of [['3.7.3', '3.7.0'], ['3.7.1', '3.7.0'], ['3.7.3', '3.6.0'], ['3.6.16', '3.5.0'], ['3.6.16', ''], ['3.6.16', undefined]] as const) version(wanted, data)();
});
