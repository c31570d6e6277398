import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Role } from '../cluster/cluster.ts';
import { adminLeaf, leavesFor } from './leaves.ts';
import { aHost, cluster } from '../../test/support/example-cluster.ts';

const etcdNames = ['etcd-server', 'etcd-peer', 'etcd-healthcheck-client'];
const controlPlaneNames = [
  'apiserver',
  'apiserver-kubelet-client',
  'apiserver-etcd-client',
  'front-proxy-client',
  'controller-manager',
  'controller-manager-server',
  'scheduler',
  'scheduler-server',
];

const byRole: readonly (readonly [string, readonly Role[], readonly string[]])[] = [
  ['a stacked host gets both', ['etcd', 'control-plane', 'load-balancer'], [...etcdNames, ...controlPlaneNames]],
  ['an etcd host gets none of the control plane', ['etcd'], etcdNames],
  ['a control-plane host without etcd gets no etcd server', ['control-plane'], controlPlaneNames],
  ['a balancer gets none', ['load-balancer'], []],
  ['a worker gets the one of kube-proxy', ['worker'], ['kube-proxy']],
];

for (const [title, roles, names] of byRole) {
  test(`certificates by role: ${title}`, () => {
    assert.deepEqual(leavesFor(cluster, aHost({ roles })).map(({ name }) => name), names);
  });
}

test('the API server answers to every name by which somebody reaches it, each once', () => {
  const leaf = leavesFor({ ...cluster, kubernetes: { ...cluster.kubernetes, extraSans: ['k8s.example', '192.0.2.7', '10.0.0.100'] } }, aHost()).find(({ name }) => name === 'apiserver')!;
  assert.deepEqual(leaf.dnsNames, ['cp1', 'api.example', 'localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'k8s.example']);
  assert.deepEqual(leaf.addresses, ['10.0.0.11', '10.0.0.100', '10.0.0.99', '127.0.0.1', '10.96.0.1', '192.0.2.7']);
  assert.equal(leaf.certificatePath, '/etc/kubernetes/pki/apiserver.crt');
  assert.equal(leaf.keyPath, '/etc/kubernetes/pki/apiserver.key');
});

test('the peer certificate is of a CA of its own, carries the member name and both uses; the server certificate only serves', () => {
  const [server, peer] = leavesFor(cluster, aHost());
  assert.deepEqual([peer?.authority, peer?.commonName, peer?.usages, peer?.certificatePath], ['etcd-peer', 'cp1', ['server', 'client'], '/etc/kubernetes/pki/etcd/peer.crt']);
  assert.deepEqual([server?.authority, server?.usages, server?.dnsNames, server?.addresses], ['etcd', ['server'], ['cp1', 'localhost'], ['10.0.0.11', '127.0.0.1']]);
});

test('no certificate on a host is in system:masters', () => {
  assert.deepEqual(leavesFor(cluster, aHost()).filter(({ organizations }) => organizations.length > 0), []);
  assert.deepEqual(adminLeaf('ann').organizations, ['kubeadm:cluster-admins']);
});
