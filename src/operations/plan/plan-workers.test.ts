import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtCluster, freshCluster, opened, outline, planOf, withHost, withoutHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import { servingRequest as request } from '../../../test/support/serving-request.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { designsOf } from '../designs.ts';
import { refuseLeftNodes } from './left-nodes.ts';
import type { NodeFact, NodesFact, PendingRequest } from '../facts.ts';

const built = await builtCluster('T1', 2);
const withNodes = ({ cluster, facts }: SeenCluster, change: (nodes: NodesFact) => Partial<NodesFact>): SeenCluster => ({ cluster, facts: { ...facts, nodes: { ...facts.nodes!, ...change(facts.nodes!) } } });
const withNode = (seen: SeenCluster, name: string, change: Partial<NodeFact>) => withNodes(seen, ({ nodes }) => ({ nodes: new Map([...nodes, [name, { ...nodes.get(name)!, ...change }]]) }));
/** A machine with a fresh system under a name that the cluster may know. */
const fresh = (seen: SeenCluster, name: string) => withHost(seen, name, () => freshCluster('T1', 2).facts.hosts.get(name) as never);
/** Without the check at the end. */
const steps = (seen: SeenCluster) => outline(planOf(seen), { reasons: true }).filter((line) => !line.startsWith('finish'));
const refusal = ({ cluster, facts }: SeenCluster) => {
  try {
    refuseLeftNodes(cluster, facts.nodes);
    designsOf(cluster, facts, opened);
  } catch (error) {
    if (error instanceof KubekeepError) return `${error.code}: ${error.message}`;
  }
  return 'nothing is refused';
};

describe('a cluster with workers', () => {
  test('is built in one go: they join together when the control plane serves, then every host gets the way to their pods', () => {
    assert.deepEqual(outline(planOf(freshCluster('T1', 2))).slice(-13), [
      'load-balancer together cp1/keepalived start',
      'joinable in turn cluster/joinable invite',
      'join together w1/containerd start', 'join together w1/join join', 'join together w1/kube-proxy start',
      'join together w2/containerd start', 'join together w2/join join', 'join together w2/kube-proxy start',
      'pod-network together cp1/pod-network restart', 'pod-network together w1/pod-network restart', 'pod-network together w2/pod-network restart',
      'dns in turn cluster/dns install',
      'finish in turn cluster/finish verify',
    ]);
  });

  test('has nothing to do once it is built', () => {
    assert.deepEqual(outline(planOf(built)), []);
  });

  test('gets no routes where the network is somebody else\'s', () => {
    const seen = freshCluster('T1', 1);
    const none = { ...seen, cluster: { ...seen.cluster, networks: { ...seen.cluster.networks, cni: 'none' as const } } };
    assert.deepEqual(outline(planOf(none)).filter((line) => line.includes('pod-network')), []);
  });
});

describe('a host of the control plane that is a node too', async () => {
  const node = await builtCluster('T1', 1, true);
  const none = await builtCluster('T1', 1);
  /** The same hosts with another cluster file. */
  const asIn = ({ cluster }: SeenCluster, { facts }: SeenCluster): SeenCluster => ({ cluster, facts });

  test('joins like a worker, when the control plane serves, and has nothing to do then', () => {
    assert.deepEqual(outline(planOf(freshCluster('T1', 0, true))).slice(-8), [
      'load-balancer together cp1/keepalived start',
      'joinable in turn cluster/joinable invite',
      'join together cp1/containerd start', 'join together cp1/join join', 'join together cp1/kube-proxy start',
      'pod-network together cp1/pod-network restart',
      'dns in turn cluster/dns install',
      'finish in turn cluster/finish verify',
    ]);
    assert.deepEqual(outline(planOf(node)), []);
  });

  test('becomes one in a cluster that serves without a restart of anything that does', () => {
    assert.deepEqual(steps(asIn(node, none)).map((line) => line.split(':')[0]), [
      'prepare together cp1/system none',
      'join together cp1/containerd start', 'join together cp1/join join', 'join together cp1/kube-proxy start',
      'pod-network together cp1/pod-network restart', 'pod-network together w1/pod-network restart',
    ]);
  });

  test('is one no more when the file does not say so: the node leaves, and the routes follow', () => {
    assert.deepEqual(steps(asIn(none, node)), [
      'leave in turn cp1/leave leave: the cluster file does not say kubelet: true',
      'pod-network together cp1/pod-network restart: /etc/kubekeep/pod-network.sh differs',
      'pod-network together w1/pod-network restart: /etc/kubekeep/pod-network.sh differs',
    ]);
    const cut = withHost(asIn(none, node), 'cp1', ({ files }) => ({ files: new Map([...files].filter(([path]) => path !== '/etc/kubekeep/kubelet.yaml')) }));
    assert.equal(steps(cut)[0], 'leave in turn cp1/leave leave: the cluster file does not say kubelet: true', 'cut before the cluster forgot the node');
    const forgotten = withNodes(asIn(none, node), ({ nodes }) => ({ nodes: new Map([...nodes].filter(([name]) => name !== 'cp1')) }));
    assert.equal(steps(forgotten)[0], 'leave in turn cp1/leave leave: the cluster file does not say kubelet: true', 'a kubelet whose node somebody deleted');
    const alone = steps(asIn({ ...none, cluster: { ...none.cluster, hosts: none.cluster.hosts.slice(0, 1) } }, withNodes(node, ({ nodes }) => ({ nodes: new Map([...nodes].filter(([name]) => name === 'cp1')) }))));
    assert.deepEqual(alone, ['leave in turn cp1/leave leave: the cluster file does not say kubelet: true', 'pod-network together cp1/pod-network remove: there are no pods to which routes could lead'], 'the last node');
  });

  test('gets the label that no kubelet may give, and goes by no other way than its file\'s', () => {
    assert.deepEqual(steps(withNode(node, 'cp1', { controlPlane: false })), ['workers in turn cp1/node-label label: the node does not have the label yet']);
    assert.deepEqual(steps(withNode(node, 'w1', { controlPlane: false })), []);
    assert.match(refusal(asIn({ ...node, cluster: { ...node.cluster, hosts: node.cluster.hosts.slice(1) } }, node)), /^unsupported-change: cp1 is a node of the cluster and not in the cluster file any more$/);
  });
});

describe('a change of workers', () => {
  test('touches one of them at a time, and no host of the control plane', () => {
    const changed = ['w1', 'w2'].reduce((seen, name) => withHost(seen, name, ({ files }) => ({ files: new Map([...files].filter(([path]) => path !== '/etc/kubekeep/kubelet.yaml')) })), built);
    assert.deepEqual(steps(changed), ['w1', 'w2'].map((name) => `workers in turn ${name}/kubelet restart: /etc/kubekeep/kubelet.yaml is missing`));
  });

  test('of the distribution\'s containerd back to its own configuration is found', () => {
    const changed = withHost(built, 'w1', ({ files }) => ({ files: new Map([...files].filter(([path]) => !path.endsWith('50-kubekeep.conf'))) }));
    assert.deepEqual(steps(changed), ['workers in turn w1/containerd restart: /etc/systemd/system/containerd.service.d/50-kubekeep.conf is missing']);
  });

  test('lets a reinstalled worker join again, and every host learn its new network', () => {
    assert.deepEqual(steps(fresh(built, 'w2')).map((line) => line.split(':')[0]), [
      'prepare together w2/system none',
      'join together w2/containerd start', 'join together w2/join join', 'join together w2/kube-proxy start',
      'pod-network together cp1/pod-network restart', 'pod-network together w1/pod-network restart', 'pod-network together w2/pod-network restart',
    ]);
  });

  test('of what machines are told that join is told them', () => {
    assert.deepEqual(steps(withNodes(built, () => ({ joinable: 'before' }))), ['joinable in turn cluster/joinable invite: the cluster file has changed since']);
  });

  test('of a network of pods changes the routes of the others and the bridge of its own', () => {
    assert.deepEqual(steps(withNode(built, 'w2', { podNetwork: '10.244.7.0/24' })), [
      'pod-network together cp1/pod-network restart: /etc/kubekeep/pod-network.sh differs',
      'pod-network together w1/pod-network restart: /etc/kubekeep/pod-network.sh differs',
      'pod-network together w2/pod-network restart: /etc/kubekeep/pod-network.sh differs; /etc/cni/net.d/10-kubekeep.conflist differs',
    ]);
  });

  test('is none where no API server can be asked, or a worker does not answer', () => {
    const unread = ['nothing is known of nodes and services: no API server is ready'];
    const blind = { ...built, facts: { ...built.facts, nodes: undefined, unread } };
    assert.deepEqual([steps(blind), planOf(blind).warnings], [[], unread]);
    assert.deepEqual(steps(withoutHost(built, 'w1')), []);
  });

  test('opens a node that an earlier one has closed and did not get to opening, with the rest or by itself', () => {
    const cut = withNode(built, 'w1', { cordoned: true, toBeOpened: true });
    assert.deepEqual(steps(cut), ['workers in turn w1/open open: an apply that was cut has closed it']);
    const changed = withHost(cut, 'w1', ({ files }) => ({ files: new Map([...files].filter(([path]) => path !== '/etc/kubekeep/kubelet.yaml')) }));
    assert.deepEqual(steps(changed).map((line) => line.split(':')[0]), ['workers in turn w1/kubelet restart']);
    assert.deepEqual(steps(withNode(built, 'w1', { cordoned: true })), [], 'somebody else has closed it');
  });

  test('grants the certificate that a kubelet asks for when it is the one of the cluster file, and no other', () => {
    const asked = (...requests: readonly PendingRequest[]) => steps(withNodes(built, () => ({ requests })));
    assert.deepEqual(asked(request), ['workers in turn w2/serving-certificate approve: the kubelet asks for one with the name and the address of the cluster file']);
    assert.deepEqual(asked({ ...request, user: 'system:node:w1', node: 'w1' }), [], 'for another node');
    assert.deepEqual(asked({ ...request, usages: ['client auth'] }), []);
    const moved = { ...built.cluster, hosts: built.cluster.hosts.map((host) => (host.name === 'w2' ? { ...host, address: '10.0.0.77' } : host)) };
    assert.ok(!steps(withNodes({ ...built, cluster: moved }, () => ({ requests: [request] }))).some((line) => line.includes('approve')), 'for an address that the file does not have');
  });

  test('makes a node that was deleted anew', () => {
    const deleted = withNodes(built, ({ nodes }) => ({ nodes: new Map([...nodes].filter(([name]) => name !== 'w2')) }));
    assert.match(steps(deleted).join('\n'), /^workers in turn w2\/kubelet restart: the cluster has no node of that name/m);
    // Its pods may get another network.
    assert.match(steps(deleted).join('\n'), /w2\/pod-network restart: w2 comes, and its pods may have another network$/m);
  });
});

describe('a worker is refused', () => {
  const joinedElsewhere = withHost(freshCluster('T1', 1), 'w1', () => ({ joined: true }));
  const cases: readonly (readonly [title: string, seen: SeenCluster, expected: RegExp])[] = [
    ['that is a node of another cluster', joinedElsewhere, /^host-unfit: w1 is a node of another cluster/],
    ['whose name another machine has', withNode(fresh(built, 'w2'), 'w2', { address: '10.0.0.99' }), /^host-unfit: w2 cannot join: the machine at 10\.0\.0\.99 is node w2 of this cluster already$/],
    ['behind a router, where the network has no way through', withHost(built, 'cp1', () => ({ addresses: [{ interface: 'eth0', address: '10.0.0.11', prefix: 32 }] })), /^host-unfit: cp1 \(10\.0\.0\.11\/32\) and node w1 \(10\.0\.0\.12\) are in different subnets/],
    ['to be taken out of the cluster file before it was removed', { ...built, cluster: { ...built.cluster, hosts: built.cluster.hosts.slice(0, 2) } }, /^unsupported-change: w2 is a node of the cluster and not in the cluster file any more$/],
  ];
  for (const [title, seen, expected] of cases) test(title, () => assert.match(refusal(seen), expected));

  test('and what is planned without it all the same: a status is shown, and a restore begins', () => {
    assert.equal(planOf({ ...built, cluster: { ...built.cluster, hosts: built.cluster.hosts.slice(0, 2) } }).mode, 'change');
  });

  test('not in a cluster without those', () => {
    assert.equal(refusal(built), 'nothing is refused');
    const { cluster, facts } = withNode(built, 'w2', { managed: false });
    assert.equal(refusal({ cluster: { ...cluster, hosts: cluster.hosts.slice(0, 2) }, facts }), 'nothing is refused');
  });
});
