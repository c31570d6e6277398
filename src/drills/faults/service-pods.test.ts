import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rolledBy } from './_roll-deployment.ts';
import { killScript, whyNoHaproxy, whyNotGentle, type Pod } from './_service-pods.ts';

const gentle = { readinessProbe: {}, lifecycle: { preStop: {} } };
const aPod = (name: string, { node = 'w1', labels = {}, container = gentle as Pod['spec']['containers'][number], owner = { kind: 'ReplicaSet', name: 'web-7d9f' } } = {}): Pod => ({
  metadata: { namespace: 'shop', name, uid: 'a1b2-c3', labels: { 'pod-template-hash': '7d9f', ...labels }, ownerReferences: [owner] },
  spec: { nodeName: node, containers: [container] },
});

describe('pods of a service', () => {
  const two = [aPod('a'), aPod('b', { node: 'w2' })];
  const cases: readonly (readonly [title: string, pods: readonly Pod[], why: string | undefined])[] = [
    ['two with a probe and a preStop can go', two, undefined],
    ['one alone cannot', two.slice(1), 'it has fewer than two pods that are ready'],
    ['without a probe none knows when the next serves', [two[0]!, aPod('c', { container: { lifecycle: { preStop: {} } } })], 'pod shop/c has no readinessProbe'],
    ['without a preStop one ends too early', [aPod('d', { container: { readinessProbe: {} } }), two[1]!], 'pod shop/d has no preStop, so it ends before all who send to it know'],
  ];
  for (const [title, pods, why] of cases) test(title, () => assert.equal(whyNotGentle(pods), why));

  test('are HAProxy where all are, on two nodes', () => {
    const labels = { 'app.kubernetes.io/name': 'haproxy' };
    assert.equal(whyNoHaproxy([aPod('a', { labels }), aPod('b', { labels, node: 'w2' })]), undefined);
    assert.equal(whyNoHaproxy([aPod('a', { labels }), aPod('b', { labels })]), 'its HAProxy pods are on one node');
    for (const pods of [[], two, [aPod('a', { labels }), two[1]!]]) assert.equal(whyNoHaproxy(pods), 'it does not lead to HAProxy inside the cluster');
  });

  test('belong to a Deployment where each is of a ReplicaSet called as it', () => {
    assert.deepEqual(rolledBy(two), { namespace: 'shop', name: 'web' });
    const cases: readonly (readonly Pod[])[] = [[], [aPod('a', { owner: { kind: 'DaemonSet', name: 'web' } })], [aPod('a', { owner: { kind: 'ReplicaSet', name: 'web' } })], [two[0]!, aPod('b', { owner: { kind: 'ReplicaSet', name: 'other-7d9f' } })]];
    for (const pods of cases) assert.equal(rolledBy(pods), undefined);
  });

  test('are killed by their uid, which systemd writes with other dashes', () => {
    const pattern = new RegExp(/'(pod[^']+)'/.exec(killScript(two[0]!))![1]!);
    for (const path of ['0::/kubepods/besteffort/poda1b2-c3/4f', '0::/kubepods.slice/kubepods-besteffort-poda1b2_c3.slice/4f']) assert.match(path, pattern);
    assert.doesNotMatch('0::/kubepods/besteffort/poda1b2-d4/4f', pattern);
  });
});
