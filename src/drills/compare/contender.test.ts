import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aHost, cluster } from '../../../test/support/example-cluster.ts';
import type { Lab } from '../../lab/lab.ts';
import { clusterOn } from './contender.ts';

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
