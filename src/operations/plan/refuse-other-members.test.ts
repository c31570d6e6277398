import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aHost, cluster as example } from '../../../test/support/example-cluster.ts';
import type { MemberView } from './next-member-step.ts';
import { refuseOtherMembers } from './refuse-other-members.ts';

const address = (name: string) => `10.0.0.1${name.slice(-1)}`;
const clusterOf = (...names: string[]) => ({ ...example, hosts: [...names.map((name) => aHost({ name, roles: ['etcd'], address: address(name) })), aHost({ name: 'lb1', roles: ['control-plane', 'load-balancer'], address: '10.0.0.90' })] });
const member = (name: string, changes: Partial<MemberView> = {}): MemberView => ({ id: name, name, peerUrls: [`https://${address(name)}:2380`], isLearner: false, ...changes });
const members = (...names: string[]) => names.map((name) => member(name));

describe('etcd hosts of the cluster file that are not those of the cluster are refused', () => {
  const refused: readonly (readonly [title: string, file: readonly string[], members: readonly MemberView[], message: RegExp, hint: RegExp])[] = [
    ['five become three', ['cp1', 'cp2', 'cp3'], members('cp1', 'cp2', 'cp3', 'cp5', 'cp4'), /^cp4, cp5 are members of etcd and not in the cluster file: /, /^Put cp4, cp5 back/],
    ['three become one', ['cp1'], members('cp3', 'cp1', 'cp2'), /^cp2, cp3 are members/, /kubekeep destroy/],
    ['one becomes three', ['cp1', 'cp2', 'cp3'], members('cp1'), /^etcd has 1 member, the cluster file has 3 hosts/, /kubekeep backup run, then kubekeep restore cluster/],
    ['three become five', ['cp1', 'cp2', 'cp3', 'cp4', 'cp5'], members('cp1', 'cp2', 'cp3'), /^etcd has 3 members, the cluster file has 5/, /kubekeep restore cluster/],
    ['a machine is replaced under a new name', ['cp1', 'cp2', 'cp4'], members('cp1', 'cp2', 'cp3'), /^cp3 is a member of etcd and not in the cluster file, which has others/, /call the new one cp3/],
    ['a learner that nobody knows and that has not started', ['cp1', 'cp2', 'cp3'], [...members('cp1', 'cp2', 'cp3'), member('', { peerUrls: ['https://10.0.0.77:2380'], isLearner: true })], /^https:\/\/10\.0\.0\.77:2380 is a member/, /Put/],
  ];
  for (const [title, file, known, message, hint] of refused) {
    test(title, () => assert.throws(() => refuseOtherMembers(clusterOf(...file), known), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'unsupported-change');
      assert.match(error.message, message);
      assert.match(error.hint, hint);
      return true;
    }));
  }
});

describe('what is supported passes', () => {
  const passed: readonly (readonly [title: string, members: readonly MemberView[] | undefined])[] = [
    ['the members are those of the file', members('cp1', 'cp2', 'cp3')],
    ['nobody can be asked', undefined],
    ['a machine was replaced under its name, at another address', [...members('cp1', 'cp2'), member('cp3', { peerUrls: ['https://10.0.0.99:2380'] })]],
    ['a host was given another name at its address', [...members('cp1', 'cp2'), member('old', { peerUrls: ['https://10.0.0.13:2380'] })]],
    ['a member is out and not in again', members('cp1', 'cp3')],
    ['a learner was added and has not started', [...members('cp1', 'cp3'), member('', { peerUrls: ['https://10.0.0.12:2380'], isLearner: true })]],
    ['a learner runs', [...members('cp1', 'cp3'), member('cp2', { isLearner: true })]],
  ];
  for (const [title, known] of passed) test(title, () => refuseOtherMembers(clusterOf('cp1', 'cp2', 'cp3'), known));
});
