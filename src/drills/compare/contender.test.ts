import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aHost, cluster } from '../../../test/support/example-cluster.ts';
import type { Lab } from '../../lab/lab.ts';
import { clusterOn, labOf, ownOf } from './contender.ts';

const lab = { name: 'dev-guide', directory: '/labs/dev-guide', gateway: '198.18.7.1', machines: [{ name: 'cp1', address: '198.18.7.11', hostKey: 'ssh-ed25519 B' }] } as unknown as Lab;
const user = { ...cluster, endpoint: { ...cluster.endpoint, vip: '198.18.3.100', port: 6443, previousVips: ['198.18.3.101'] }, hosts: [aHost({ name: 'cp1', address: '198.18.3.11', roles: ['etcd'] })] };

test('the same cluster on other machines touches nothing of the first', () => {
  const theirs = clusterOn(lab, user, { port: 8443 });
  assert.doesNotMatch(JSON.stringify(theirs), /198\.18\.3\./);
  assert.equal(theirs.endpoint.vip, '198.18.7.100');
  assert.equal(theirs.endpoint.port, 8443);
  assert.deepEqual(theirs.hosts[0]!.roles, ['etcd']);
  assert.equal(theirs.hosts[0]!.ssh.hostKey, 'ssh-ed25519 B');
  assert.deepEqual(theirs.kubernetes, user.kubernetes);
});

test('two labs whose names begin alike have contenders of different names, all of which fit', () => {
  const names = ['dev', 'a-lab-with-a-long-name-number-one', 'a-lab-with-a-long-name-number-two', 'a-------------------------------b'].map((name) => labOf({ name: name.slice(0, 32) }, { id: 'kubeadm-guide' }));
  assert.equal(names[0], 'dev-kubeadm-guide');
  assert.equal(new Set([...names, labOf({ name: 'a-lab-with-a-long-name-number-tw' }, { id: 'kubeadm-guide' })]).size, 4);
  for (const name of names) assert.match(name, /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/);
});

test('a lab of that name in another folder is not taken for a contender, and the command that removes it is named', () => {
  const records = [{ lab: { ...lab, name: 'dev' } }, { lab }];
  assert.equal(ownOf(records, { name: 'dev-guide', directory: '/labs/dev-guide' }), lab);
  assert.equal(ownOf(records, { name: 'dev-k0s', directory: '/labs/dev-k0s' }), undefined);
  assert.throws(() => ownOf(records, { name: 'dev-guide', directory: '/state/contenders/guide' }), { code: 'lab-exists', hint: 'kubekeep lab down --name dev-guide removes it.' });
});
