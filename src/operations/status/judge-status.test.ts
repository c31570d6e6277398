import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createAuthority, type Authority } from '../../pki/authorities.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { leavesFor } from '../../pki/leaves.ts';
import { day, now } from '../../../test/support/example-cluster.ts';
import { aNode, anActiveUnit, anObservation, etcdAnswer } from '../../../test/support/example-observation.ts';
import type { EtcdStatus } from '../../clients/etcd/etcd-status.ts';
import { reachable, type HostFacts, type NodeFact, type Unreachable } from '../facts.ts';
import type { FollowerFact } from '../follower/follower-fact.ts';
import { conditions } from './cluster-status.ts';
import { judgeStatus } from './judge-status.ts';
import type { Answer, EtcdAnswer, Observation } from './observation.ts';

const silent = { ok: false, reason: 'API server kubernetes: GET /version: no answer in 2000 ms' } as const;

/** The observation with other facts of one host. */
function onHost(name: string, changes: Partial<HostFacts>, from = anObservation()): Observation {
  const found = from.facts.hosts.get(name) as HostFacts;
  return { ...from, facts: { ...from.facts, hosts: new Map([...from.facts.hosts, [name, { ...found, ...changes }]]) } };
}

function withUnit(name: string, unit: string, changes: Parameters<typeof anActiveUnit>[0]): Observation {
  const observation = anObservation();
  const found = observation.facts.hosts.get(name) as HostFacts;
  return onHost(name, { units: new Map([...found.units, [unit, anActiveUnit(changes)]]) });
}

function withAnswer<K extends 'etcd' | 'api' | 'endpoint'>(part: K, name: string, answer: Answer<never>, from = anObservation()): Observation {
  return { ...from, [part]: new Map<string, unknown>([...from[part], [name, answer]]) };
}

function withMember(name: string, changes: Partial<EtcdStatus>, from = anObservation()): Observation {
  const hosts = from.cluster.hosts;
  const value = etcdAnswer(hosts.find((host) => host.name === name)!, hosts, changes);
  const members = value.members.map((member) => ({ ...member, isLearner: changes.isLearner === true && member.name === name }));
  const others = [...from.etcd].map(([host, answer]): [string, Answer<EtcdAnswer>] => [host, answer.ok ? { ok: true, value: { ...answer.value, members } } : answer]);
  return { ...from, etcd: new Map<string, Answer<EtcdAnswer>>([...others, [name, { ok: true, value: { ...value, members } }]]) };
}

/** Two workers, of which one is another node, or none. */
function withNode(name: string, changes: Partial<NodeFact> | undefined): Observation {
  const from = anObservation('T3', 2);
  const nodes = new Map([...from.nodes!.nodes].flatMap(([one, node]) => (one !== name ? [[one, node] as const] : changes ? [[one, { ...node, ...changes }] as const] : [])));
  return { ...from, nodes: { ...from.nodes!, nodes } };
}

const withoutPlugin = 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized';

/** A third node, of a machine that kubekeep does not manage, in a cluster with this network for pods. */
function withJoined(cni: 'bridge' | 'none', changes: Partial<NodeFact>): Observation {
  const from = withCni(cni, anObservation('T3', 2));
  return { ...from, nodes: { ...from.nodes!, nodes: new Map([...from.nodes!.nodes, ['w9', aNode({ managed: false, ...changes })]]) } };
}

function withRequest(node: string, from: Observation): Observation {
  return { ...from, nodes: { ...from.nodes!, requests: [{ name: 'csr-1', node, user: `system:node:${node}`, groups: ['system:nodes'], usages: ['server auth'], pem: '' }] } };
}

function withCni(cni: 'bridge' | 'none', from: Observation): Observation {
  return { ...from, cluster: { ...from.cluster, networks: { ...from.cluster.networks, cni } } };
}

/** CoreDNS of `apply`, with so many pods. */
function withDnsPods(replicas: number, ready: number): Observation {
  return { ...anObservation('T3', 2), dns: { service: { name: 'kube-system/kube-dns', ours: true }, config: true, deployment: { told: 'told', made: '', template: '', replicas, ready } } };
}

/** As etcd writes it where it says whose alarm it is: decimal. */
function numberOf(name: string): string {
  const answer = anObservation().etcd.get(name)!;
  return String(answer.ok && BigInt(`0x${answer.value.status.member}`));
}

/** Powered off: nothing on it answers, and the balancers have noticed. */
function off(name: string, from = anObservation()): Observation {
  const hosts = new Map([...from.facts.hosts].map(([host, found]): [string, HostFacts | Unreachable] => {
    if (host === name) return [host, { reachable: false, reason: `${name} (root@10.0.0.13): ssh: connect to host 10.0.0.13 port 22: Connection timed out` }];
    return [host, reachable(found) ? { ...found, backends: found.backends.map((one) => (one.server === name ? { ...one, status: 'DOWN' } : one)) } : found];
  }));
  const gone = { ok: false, reason: 'no connection' } as const;
  return withAnswer('endpoint', name, gone, withAnswer('api', name, gone, withAnswer('etcd', name, gone, { ...from, facts: { ...from.facts, hosts } })));
}

/** A cluster whose first two hosts say this of their followers; the third is like the second of a healthy one. */
function following(...said: readonly (Partial<FollowerFact> | 'stopped' | undefined)[]): Observation {
  const healthy: FollowerFact = { leads: false, newest: { time: now - 2000, revision: 2477 }, looked: now - 3000 };
  const seen = anObservation();
  const start: Observation = { ...seen, cluster: { ...seen.cluster, backup: { repository: 's3://backups', recipients: [], follow: 'hosts' } } };
  return ['cp1', 'cp2', 'cp3'].reduce((from, name, position) => {
    const one = position < said.length ? said[position] : {};
    const unit = anActiveUnit(one === 'stopped' ? { active: 'inactive', sub: 'dead' } : {});
    const host = from.facts.hosts.get(name) as HostFacts;
    return onHost(name, { units: new Map([...host.units, ['kubekeep-keeper.service', unit]]), follower: typeof one === 'object' ? { ...healthy, ...one } : undefined }, from);
  }, start);
}

const cases: readonly (readonly [title: string, observation: () => Observation, degraded: readonly RegExp[]])[] = [
  ['a healthy cluster has nothing to say', () => anObservation(), []],
  ['T3L and T3E are healthy without the parts that their hosts do not have', () => anObservation('T3L'), []],
  ['T3E', () => anObservation('T3E'), []],
  ['workers that are ready are healthy', () => anObservation('T3', 2), []],
  ['a node that is not ready is named with the reason that Kubernetes gives', () => withNode('w2', { ready: false, reason: 'container runtime network not ready' }), [/^kubelet on w2 is not ready: container runtime network not ready$/]],
  ['a node that joined by join-command and has no network is named, one that is ready is not', () => withJoined('bridge', { ready: false, reason: withoutPlugin }), [/^node w9, which joined by join-command, is not ready: container runtime network not ready: .*not initialized$/]],
  ['a node that joined by join-command and is ready', () => withJoined('none', {}), []],
  ['one whose kubelet waits for its serving certificate is named', () => withRequest('w9', withJoined('none', {})), [/^node w9, which joined by join-command, waits for the certificate under which its kubelet serves: logs and exec of its pods do not work$/]],
  ['a request of whoever is no node is not believed', () => withRequest('w8', withJoined('none', {})), []],
  ['a node that apply let join and the file has no more is named, whether it is ready or not', () => withJoined('bridge', { managed: true }), [/^w9 is a node of the cluster and not in the cluster file any more$/]],
  ['what of the nodes could not be read is said', () => ({ ...anObservation('T3', 2), unread: ['nothing is known of DNS for pods: API server kubernetes: GET /api/v1/services: HTTP 500'] }), [/^nothing is known of DNS for pods: API server kubernetes: GET \/api\/v1\/services: HTTP 500$/]],
  ['a DNS without a pod that is ready', () => withDnsPods(2, 0), [/^no pod of CoreDNS is ready: pods find nothing by its name$/]],
  ['a DNS of which somebody wants no pod', () => withDnsPods(0, 0), [/^no pod of CoreDNS is ready, and none is wanted: /]],
  ['a DNS with one of two pods is one', () => withDnsPods(2, 1), []],
  ['what is gone of a manifest is counted, what is whole is not named', () => ({ ...anObservation('T3', 2), manifests: [{ file: 'a.yaml', gone: [] }, { file: 'b.yaml', gone: ['Namespace b', 'ConfigMap b/c'] }] }), [/^Namespace b and 1 more of manifest b\.yaml are gone$/]],
  ['a worker that is no node is named', () => withNode('w2', undefined), [/^kubelet on w2 is not ready: the cluster has no node of that name$/]],
  ['a worker whose containerd is stopped is named', () => onHost('w1', { units: new Map([['kubelet.service', anActiveUnit()], ['kube-proxy.service', anActiveUnit()], ['containerd.service', anActiveUnit({ active: 'inactive', sub: 'dead' })]]) }, anObservation('T3', 1)), [/^containerd on w1 is stopped$/]],
  ['a dead host is named, and that one more lost stops writes', () => off('cp3'), [/etcd has 2 of 3 voting members: one more lost/, /^cp3 cannot be reached: Connection timed out$/]],
  ['with two dead hosts there is no leader', () => withMember('cp1', { leader: undefined }, off('cp2', off('cp3'))), [/etcd has no leader.*1 of 3 .*2 are needed/, /etcd on cp1 is not ready/, /cp2 cannot/, /cp3 cannot/]],
  ['two holders of the VIP are both named', () => onHost('cp2', { addresses: [{ interface: 'eth0', address: '10.0.0.100', prefix: 32 }] }), [/^cp1 and cp2 both hold the VIP/]],
  ['no holder of the VIP', () => onHost('cp1', { addresses: [] }), [/^no load balancer holds the VIP 10.0.0.100$/]],
  ['a VIP on a host that cannot be reached by SSH is no fault of the VIP', () => off('cp1', onHost('cp2', {})), [/2 of 3/, /cp1 cannot be reached/]],
  ['an endpoint that does not answer from one host', () => withAnswer('endpoint', 'cp2', { ok: false, reason: 'API server kubernetes: GET /readyz?verbose: no answer in 2000 ms' }), [/^the API does not answer at 10.0.0.100:6443 from cp2: no answer in 2000 ms$/]],
  ['a stopped unit', () => withUnit('cp2', 'kube-scheduler.service', { active: 'inactive', sub: 'dead' }), [/^kube-scheduler on cp2 is stopped$/]],
  ['a unit that systemd keeps restarting has failed', () => withUnit('cp2', 'etcd.service', { active: 'activating', sub: 'auto-restart' }), [/^etcd on cp2 has failed$/]],
  ['a unit that starts', () => withUnit('cp2', 'kube-apiserver.service', { active: 'activating', sub: 'start' }), [/^kube-apiserver on cp2 is starting$/]],
  ['the loop that tells keepalived about HAProxy counts as keepalived', () => withUnit('cp2', 'kubekeep-lb-alive.service', { active: 'failed' }), [/^keepalived on cp2 has failed$/]],
  ['an API server with an expired certificate is named with the reason', () => withAnswer('api', 'cp2', { ok: false, reason: 'API server kubernetes: GET /version: certificate has expired' }, onHost('cp2', { apiServer: { live: false, ready: false } })), [/^kube-apiserver on cp2 does not answer: certificate has expired$/]],
  ['an API server that lives and is not ready', () => onHost('cp2', { apiServer: { live: true, ready: false } }), [/^kube-apiserver on cp2 is not ready$/]],
  ['a balancer that leaves out a good API server', () => onHost('cp1', { backends: [{ backend: 'api', server: 'cp1', status: 'UP', serves: true, lastCheck: '', sessions: 0 }, { backend: 'api', server: 'cp2', status: 'DOWN', serves: false, lastCheck: '', sessions: 0 }, { backend: 'api', server: 'cp3', status: 'DRAIN', serves: false, lastCheck: '', sessions: 0 }] }), [/on cp2 serves, but HAProxy on cp1 takes it for dead/, /on cp3 serves, but HAProxy on cp1 drains it/]],
  ['a balancer without servers', () => onHost('cp1', { backends: [] }), [/^haproxy on cp1 does not answer$/]],
  ['a member that did not answer in time and is ready on its host is not missed', () => withAnswer('etcd', 'cp3', { ok: false, reason: 'no answer within 4.5 s' }), []],
  ['a member that answers nobody is missed', () => onHost('cp3', { etcd: { hasData: true, formed: true, initialState: 'new', ready: false } }, withAnswer('etcd', 'cp3', { ok: false, reason: 'etcd on cp3: Status: no answer in time' })), [/etcd has 2 of 3/, /^etcd on cp3 does not answer$/]],
  ['a learner has no vote', () => withMember('cp3', { isLearner: true }), [/^etcd on cp3 is a learner/]],
  ['a full database', () => withMember('cp3', { dbSizeInUse: 7 * 2 ** 30 }), [/etcd on cp3 is 88 % full/]],
  ['an alarm', () => withMember('cp3', { errors: [`memberID:${numberOf('cp3')} alarm:NOSPACE `] }), [/^etcd on cp3 is out of space/]],
  ['an alarm that every member tells is about one of them', () => ['cp1', 'cp2', 'cp3'].reduce((from, name) => withMember(name, { errors: [`memberID:${numberOf('cp2')}  alarm:CORRUPT`] }, from), anObservation()), [/^the data of etcd on cp2 differs/]],
  ['an alarm of a member that is gone', () => withMember('cp1', { errors: ['memberID:7 alarm:CORRUPT'] }), [/^alarm CORRUPT is raised for etcd member 7, which is none any more$/]],
  ['an alarm of a member that does not answer', () => withMember('cp1', { errors: [`memberID:${numberOf('cp3')} alarm:CORRUPT`] }, off('cp3')), [/2 of 3/, /^alarm CORRUPT is raised for etcd on cp3$/, /cp3 cannot be reached/]],
  ['a member that is far behind', () => withMember('cp3', { raftAppliedIndex: 3000 - 6000 }), [/etcd on cp3 is 6000 raft entries behind/]],
  ['a member of another cluster', () => withMember('cp3', { clusterId: 'c2' }), [/etcd on cp3 belongs to another etcd cluster/]],
  ['another version', () => withMember('cp3', { version: '3.7.2' }), [/^etcd on cp3 runs version 3.7.2 and the cluster file names 3.7.3$/]],
  ['pending changes', () => ({ ...anObservation(), drift: { ok: true, value: [{ host: 'cp2', component: 'etcd', reasons: ['/etc/kubekeep/etcd.yaml differs'] }] } }), [/^1 change is pending on cp2: \/etc\/kubekeep\/etcd.yaml differs$/]],
  ['a part that is down and would be started is said once', () => ({ ...withUnit('cp2', 'etcd.service', { active: 'failed' }), drift: { ok: true, value: [{ host: 'cp2', component: 'etcd', reasons: ['etcd.service is failed'] }] } }), [/^etcd on cp2 has failed$/]],
  ['a certificate that apply would renew is said once', () => ({ ...anObservation(), drift: { ok: true, value: [{ host: 'cp2', component: 'kube-apiserver', reasons: ['/etc/kubernetes/pki/apiserver.crt expired on 2026-11-22'] }] } }), []],
  ['a lease that nobody renews', () => ({ ...anObservation(), api: new Map([['cp1', { ok: true, value: { version: '1.37.2', failedChecks: [], leases: [{ name: 'kube-scheduler', holder: 'cp2_1', renewedAt: now - 60_000, durationSeconds: 10 }, { name: 'kube-controller-manager', holder: 'cp2_1', renewedAt: now, durationSeconds: 10 }] } }]]) }), [/^no kube-scheduler leads: cp2 has not renewed its lease for 60 s$/]],
  ['followers of the log, of which one leads', () => following({ leads: true }, { leads: false }), []],
  ['a follower that is stopped', () => following({ leads: true }, 'stopped'), [/^keeper on cp2 is stopped$/]],
  ['a follower that has not opened the repository', () => following({ leads: true }, undefined), [/^keeper on cp2 is starting$/]],
  ['a follower that says nothing any more', () => following({ leads: true }, { looked: now - 41_000 }), [/^keeper on cp2 does not answer$/]],
  ['a log that stands still', () => following({ newest: { time: now - 61_000, revision: 5 } }, { newest: undefined }), [/^keeper on cp1 is not ready: the log ends 61 s ago$/, /^keeper on cp2 is not ready: there is no base yet$/]],
  ['a restore that is not finished', () => onHost('cp2', { restoring: '{}' }), [/^a restore of the whole cluster is not finished on cp2$/]],
  ['hosts that were never touched are no degraded cluster', () => ['cp1', 'cp2', 'cp3'].reduce((from, name) => onHost(name, { identity: undefined, units: new Map(), etcd: { hasData: false, formed: false, initialState: undefined, ready: false } }, from), anObservation()), [/^the cluster has not been built$/]],
];

describe('the status of a cluster says what is not as it should be', () => {
  for (const [title, observation, expected] of cases) {
    test(title, () => {
      const { degraded, healthy } = judgeStatus(observation());
      const messages = degraded.map(({ message }) => message);
      assert.equal(messages.length, expected.length, messages.join('\n'));
      for (const [position, pattern] of expected.entries()) assert.match(messages[position]!, pattern);
      assert.equal(healthy, expected.length === 0);
      for (const { next } of degraded) assert.match(next, /[.]$/);
    });
  }

  test('an API server that serves without SSH is noted and not called dead', () => {
    const observation = anObservation();
    const hosts = new Map([...observation.facts.hosts, ['cp3', { reachable: false as const, reason: 'no route' }]]);
    assert.deepEqual(judgeStatus({ ...observation, facts: { ...observation.facts, hosts } }).notes, ['cp3 cannot be reached by SSH, but its API server serves']);
  });

  test('names the way out for a node without a network for pods', () => {
    const nexts = (observation: Observation) => judgeStatus(observation).degraded.map(({ next }) => next);
    const lost = { ready: false, reason: withoutPlugin };
    assert.match(nexts(withNode('w2', lost))[0]!, /^kubekeep apply writes the network/);
    assert.match(nexts(withCni('none', withNode('w2', lost)))[0]!, /install a network plugin, for example by kubekeep apply --manifest FILE/);
    assert.match(nexts(withJoined('none', lost))[0]!, /install a network plugin/);
    assert.match(nexts(withJoined('bridge', lost))[0]!, /give the machine a place there as a worker/);
    assert.match(nexts(withJoined('bridge', { ready: false, reason: 'Kubelet stopped posting node status.' }))[0]!, /hosts remove w9 takes it out/);
  });

  test('a node that somebody has cordoned is noted and no fault', () => {
    const { notes, healthy } = judgeStatus(withNode('w2', { cordoned: true }));
    assert.deepEqual([healthy, notes], [true, ['w2 is cordoned and gets no new pods']]);
  });

  test('parts are named by what they do', () => {
    const { hosts } = judgeStatus(anObservation());
    assert.deepEqual(hosts.map(({ components }) => components.map(({ condition }) => condition).join(', ')), [
      'leads, serves, leads, leads, serves, holds VIP',
      'follows, serves, stands by, stands by, serves, stands by',
      'follows, serves, stands by, stands by, serves, stands by',
    ]);
  });

  test('a silent API server leaves the others to tell who leads', () => {
    assert.equal(judgeStatus(withAnswer('api', 'cp1', silent)).leases[0]!.holder, 'cp1');
  });

  test('the number of a condition never changes', () => {
    const numbers = ['works', 'leads', 'follows', 'catches up', 'stands by', 'serves', 'holds VIP', 'starting', 'not ready', 'no answer', 'no servers', 'stopped', 'failed', 'missing', 'unknown'];
    assert.deepEqual(conditions.slice(0, numbers.length), numbers);
  });
});

describe('certificates', () => {
  let authority: Authority;
  before(async () => {
    authority = await createAuthority('kubernetes', 'prod', now - 400 * day);
  });
  const path = '/etc/kubernetes/pki/apiserver.crt';
  const withLife = async (from: number, days: number, at = path) => {
    const leaf = leavesFor(anObservation().cluster, anObservation().cluster.hosts[1]!).find(({ name }) => name === 'apiserver')!;
    const { certificate } = await issueLeaf(leaf, authority, { now: from, days });
    return judgeStatus(onHost('cp2', { certificates: new Map([[at, certificate]]) }));
  };

  for (const [title, from, days, expected, left] of [
    ['a fresh one is fine', now - 10 * day, 365, undefined, 355],
    ['one past two thirds of its life is due', now - 250 * day, 365, `cp2: ${path} is past two thirds of its life`, 115],
    ['one that expires within 30 days is named with the day', now - 345 * day, 365, `cp2: ${path} expires on 2026-12-13, in 20 days`, 20],
    ['an expired one is named with the day', now - 366 * day, 365, `cp2: ${path} expired on 2026-11-22`, -1],
  ] as const) {
    test(title, async () => {
      const { degraded, hosts } = await withLife(from, days);
      assert.deepEqual(degraded.map(({ message }) => message), expected === undefined ? [] : [expected]);
      assert.equal(hosts[1]!.certificate?.daysLeft, left);
    });
  }

  test("an expired one of etcd's peers is mended on all hosts together, any other one host at a time", async () => {
    const next = async (at: string) => (await withLife(now - 366 * day, 365, at)).degraded[0]!.next;
    assert.match(await next('/etc/kubernetes/pki/etcd/peer.crt'), /etcd's members together/);
    assert.equal(await next(path), 'kubekeep apply renews it and restarts what uses it, one host at a time.');
  });

  test('one that cannot be read is named', () => {
    const { degraded } = judgeStatus(onHost('cp2', { certificates: new Map([[path, 'nonsense']]) }));
    assert.deepEqual(degraded.map(({ message }) => message), [`cp2: ${path} cannot be read as a certificate`]);
  });
});
