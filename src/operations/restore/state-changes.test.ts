import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf, holderKeys } from './state-changes.ts';

const then = new Map([
  ['/registry/namespaces/default', 1], ['/registry/namespaces/lost', 5], ['/registry/configmaps/lost/a', 6], ['/registry/configmaps/default/b', 7], ['/registry/secrets/lost/token', 8],
  ['/registry/minions/n1', 9], ['/registry/cronjobs/default/nightly', 10], ['/registry/events/default/e', 11], ['/registry/services/specs/default/web', 12], ['/registry/services/endpoints/default/web', 13],
  ['/registry/example.com/widgets/default/w', 14], ['/registry/apiregistration.k8s.io/apiservices/v1.', 15], ['compact_rev_key', 16],
]);
const now = new Map([
  ['/registry/namespaces/default', 1], ['/registry/configmaps/default/b', 70], ['/registry/configmaps/default/c', 71], ['/registry/minions/n1', 90], ['/registry/minions/n2', 91], ['/registry/pods/default/p', 92],
  ['/registry/cronjobs/default/nightly', 10], ['/registry/events/default/other', 93], ['/registry/services/specs/default/web', 94], ['/registry/services/endpoints/default/web', 13], ['/registry/leases/kube-node-lease/n1', 95],
  ['/registry/persistentvolumes/pv', 96], ['/registry/certificatesigningrequests/csr-1', 97], ['/registry/apiregistration.k8s.io/apiservices/v1.', 15], ['compact_rev_key', 98],
]);

test('objects are counted as gone, back or older by resource; what changes all the time is left out', () => {
  const { resources } = changesOf(then, now);
  assert.deepEqual(resources.map(({ resource, gone, back, older }) => `${resource} ${gone} ${back} ${older}`), [
    'configmaps 1 1 1', 'nodes 1 0 1', 'certificatesigningrequests 1 0 0', 'namespaces 0 1 0', 'persistentvolumes 1 0 0', 'pods 1 0 0', 'secrets 0 1 0', 'services 0 0 1', 'widgets.example.com 0 1 0',
  ]);
});

test('what machines and people hold on to is named', () => {
  const { named, cronJobs } = changesOf(then, now);
  assert.deepEqual(named, [
    { resource: 'nodes', gone: ['n2'], back: [] },
    { resource: 'persistentvolumes', gone: ['pv'], back: [] },
    { resource: 'pods', gone: ['default/p'], back: [] },
    { resource: 'certificatesigningrequests', gone: ['csr-1'], back: [] },
    { resource: 'namespaces', gone: [], back: ['lost'] },
  ]);
  assert.deepEqual(cronJobs, ['default/nightly']);
});

test('nothing changes where nothing was written', () => assert.deepEqual(changesOf(then, then).resources, []));

test('the leases of API servers and leaders are found, and no other', () => {
  const keys = ['/registry/masterleases/10.0.0.1', '/registry/peerserverleases/apiserver-x', '/registry/leases/kube-system/kube-scheduler', '/registry/leases/kube-system/kube-controller-manager', '/registry/leases/kube-system/apiserver-abc'];
  assert.deepEqual(holderKeys([...keys, '/registry/leases/kube-node-lease/n1', '/registry/leases/kube-system/other', '/registry/leases/kube-system/kube-scheduler-mine', '/registry/configmaps/masterleases/x']), keys);
});
