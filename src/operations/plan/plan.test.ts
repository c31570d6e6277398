import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { topologies } from '../../cluster/topologies.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { leavesFor } from '../../pki/leaves.ts';
import type { HostFacts, UnitFact } from '../facts.ts';
import { refuseLostRoles } from './lost-roles.ts';
import { isEmpty, stepsOf } from './plan.ts';
import { builtCluster, freshCluster, freshHost, opened, outline, planOf, withHost, withoutHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';

const built = await builtCluster('T3');
const fresh = freshCluster('T3');
/** Certificates of etcd's peers that were issued 400 days later, by host. */
const fresh400 = new Map(await Promise.all(built.cluster.hosts.map(async (host) => [host.name, (await issueLeaf(leavesFor(built.cluster, host).find(({ name }) => name === 'etcd-peer')!, opened.secrets.authorities['etcd-peer'], { now: built.facts.observedAt + 400 * 86_400_000 })).certificate] as const)));

test('a build brings all hosts up together, waits for the quorum, and looks at everything in the end', () => {
  assert.deepEqual(outline(planOf(fresh)), [
    ...['cp1', 'cp2', 'cp3'].map((host) => `prepare together ${host}/system none`),
    ...['cp1', 'cp2', 'cp3'].map((host) => `etcd together ${host}/etcd start`),
    'quorum in turn cluster/quorum form',
    ...['cp1', 'cp2', 'cp3'].flatMap((host) => ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => `control-plane together ${host}/${name} start`)),
    ...['cp1', 'cp2', 'cp3'].flatMap((host) => ['haproxy', 'keepalived'].map((name) => `load-balancer together ${host}/${name} start`)),
    'finish in turn cluster/finish verify',
  ]);
});

test('a build says in one line a component that nothing of it is there', () => {
  const reasons = new Set(stepsOf(planOf(fresh)).filter(({ host }) => host === 'cp1').flatMap((step) => step.reasons));
  assert.deepEqual([...reasons], [
    'packages haproxy, keepalived, socat are missing',
    'user etcd is missing',
    'user kubernetes is missing',
    'haproxy.service of the distribution is not masked',
    'keepalived.service of the distribution is not masked',
    'net.ipv4.ip_nonlocal_bind is off',
    'nothing of kubekeep is there yet',
    'etcd, etcdctl, etcdutl, kube-apiserver, kube-controller-manager, kube-scheduler to be copied',
    'etcd is not there yet',
    'etcd has not had a quorum yet',
    'kube-apiserver is not there yet',
    'kube-controller-manager is not there yet',
    'kube-scheduler is not there yet',
    'haproxy is not there yet',
    'keepalived is not there yet',
    'the cluster has not been finished yet',
  ]);
});

for (const topology of topologies) {
  test(`${topology} as it should be needs nothing`, async () => assert.deepEqual(outline(planOf(await builtCluster(topology)), { reasons: true }), []));
}

describe('one thing that is not as it should be is named and repaired', () => {
  const unit = (name: string, change: Partial<UnitFact>) => (host: HostFacts) => ({ units: new Map([...host.units, [name, { ...host.units.get(name)!, ...change }]]) });
  const file = (path: string, change: object | undefined) => (host: HostFacts) => {
    const files = new Map(host.files);
    if (change) files.set(path, { ...files.get(path)!, ...change });
    else files.delete(path);
    return { files };
  };
  const stopped = { active: 'inactive', sub: 'dead' };
  const cases: readonly (readonly [title: string, host: string, change: (host: HostFacts) => Partial<HostFacts>, expected: string])[] = [
    ['a unit file that was edited', 'cp2', file('/etc/systemd/system/kube-scheduler.service', { sha256: 'x' }), 'control-plane in turn cp2/kube-scheduler restart: /etc/systemd/system/kube-scheduler.service differs'],
    ['etcd that was stopped', 'cp3', unit('etcd.service', stopped), 'etcd together cp3/etcd start: etcd.service is stopped'],
    ['etcd that failed', 'cp3', unit('etcd.service', { active: 'failed', sub: 'failed' }), 'etcd together cp3/etcd start: etcd.service has failed'],
    ['an API server that ends again and again', 'cp1', unit('kube-apiserver.service', { active: 'activating', sub: 'auto-restart' }), 'control-plane in turn cp1/kube-apiserver restart: kube-apiserver.service ends again and again'],
    ['a unit that does not start at boot', 'cp1', unit('etcd.service', { enabled: 'disabled' }), 'control-plane in turn cp1/etcd none: etcd.service does not start at boot (disabled)'],
    ['a unit that systemd has not read again', 'cp1', unit('kube-apiserver.service', { needsReload: true }), 'control-plane in turn cp1/kube-apiserver restart: kube-apiserver.service was changed on disk since systemd read it'],
    ['a key with a wrong mode', 'cp1', file('/etc/kubernetes/pki/apiserver.key', { mode: 0o644 }), 'control-plane in turn cp1/kube-apiserver restart: /etc/kubernetes/pki/apiserver.key has mode 644, not 600'],
    ['a configuration with a wrong owner', 'cp1', file('/etc/kubekeep/haproxy.cfg', { owner: 'etcd:etcd' }), 'load-balancer in turn cp1/haproxy none: /etc/kubekeep/haproxy.cfg belongs to etcd:etcd, not to root:root'],
    ['a key that was exchanged', 'cp1', file('/etc/kubernetes/pki/etcd/server.key', { sha256: 'x' }), 'control-plane in turn cp1/etcd restart: /etc/kubernetes/pki/etcd/server.key is not the key that was put there'],
    ['a balancer configuration that was edited', 'cp2', file('/etc/kubekeep/haproxy.cfg', { sha256: 'x' }), 'load-balancer in turn cp2/haproxy reload: /etc/kubekeep/haproxy.cfg differs'],
    ['an audit policy that was removed', 'cp2', file('/etc/kubernetes/audit-policy.yaml', undefined), 'control-plane in turn cp2/kube-apiserver restart: /etc/kubernetes/audit-policy.yaml is missing'],
    ['a changed unit that was never restarted', 'cp2', () => ({ pendingUnits: new Set(['etcd.service']) }), 'control-plane in turn cp2/etcd restart: etcd.service has not been restarted since its files changed'],
    ['a certificate that was removed', 'cp1', (host) => ({ certificates: new Map([...host.certificates].filter(([path]) => !path.endsWith('apiserver.crt'))) }), 'control-plane in turn cp1/kube-apiserver restart: /etc/kubernetes/pki/apiserver.crt is missing'],
    ['half of keepalived stopped', 'cp1', unit('kubekeep-lb-alive.service', stopped), 'load-balancer in turn cp1/keepalived start: kubekeep-lb-alive.service is stopped'],
  ];
  for (const [title, host, change, expected] of cases) {
    test(title, () => {
      const lines = outline(planOf(withHost(built, host, change)), { reasons: true });
      assert.deepEqual(lines, [expected, 'finish in turn cluster/finish verify: something was changed']);
    });
  }

  test('controllers that end because they lost their lease are started again by systemd and call for nothing', () => {
    const seen = withHost(built, 'cp1', unit('kube-controller-manager.service', { active: 'activating', sub: 'auto-restart' }));
    assert.deepEqual(outline(planOf(seen)), []);
  });

  test('half of keepalived stopped and its configuration changed: both halves restart, or the change would not come into force', () => {
    const seen = withHost(withHost(built, 'cp1', unit('kubekeep-lb-alive.service', stopped)), 'cp1', file('/etc/kubekeep/keepalived.conf', { sha256: 'x' }));
    assert.equal(outline(planOf(seen))[0], 'load-balancer in turn cp1/keepalived restart');
  });

  test('a changed program is copied first, then its service restarts', () => {
    const seen = withHost(built, 'cp1', (host) => ({ programs: new Map([...host.programs].map(([path, sum]) => [path, path.endsWith('kube-scheduler') ? 'x' : sum])) }));
    assert.deepEqual(outline(planOf(seen), { reasons: true }), [
      'prepare together cp1/system none: kube-scheduler to be copied',
      'control-plane in turn cp1/kube-scheduler restart: kube-scheduler is not the program that was installed',
      'finish in turn cluster/finish verify: something was changed',
    ]);
    assert.deepEqual(stepsOf(planOf(seen))[0]!.programs, ['kube-scheduler']);
  });

  test('a program that was copied without a note of it, as by an apply that was cut, is copied again', () => {
    const seen = withHost(built, 'cp1', (host) => ({ recordedSums: new Map([...host.recordedSums].filter(([path]) => !path.endsWith('kube-scheduler'))) }));
    assert.deepEqual(stepsOf(planOf(seen))[0]!.programs, ['kube-scheduler']);
  });
});

describe('what is down comes before what is up', () => {
  const stop = (seen: SeenCluster, host: string, ...names: string[]) =>
    withHost(seen, host, ({ units, etcd }) => ({
      units: new Map([...units].map(([name, state]) => [name, names.includes(name) ? { ...state, active: 'inactive' } : state])),
      etcd: names.includes('etcd.service') ? { ...etcd, ready: false } : etcd,
    }));
  const pending = (seen: SeenCluster, host: string, unit: string) => withHost(seen, host, () => ({ pendingUnits: new Set([unit]) }));

  test('members that are stopped start together before a member that is up restarts', () => {
    const seen = stop(stop(pending(built, 'cp1', 'etcd.service'), 'cp2', 'etcd.service'), 'cp3', 'etcd.service');
    assert.deepEqual(outline(planOf(seen)).slice(0, 3), ['etcd together cp2/etcd start', 'etcd together cp3/etcd start', 'control-plane in turn cp1/etcd restart']);
  });

  test('so it is where those that start are a majority and none is ready', () => {
    const seen = withHost(stop(stop(pending(built, 'cp1', 'etcd.service'), 'cp2', 'etcd.service'), 'cp3', 'etcd.service'), 'cp1', ({ etcd }) => ({ etcd: { ...etcd, ready: false } }));
    assert.deepEqual(outline(planOf(seen)).slice(0, 3), ['etcd together cp2/etcd start', 'etcd together cp3/etcd start', 'control-plane in turn cp1/etcd restart']);
  });

  test('a stopped API server starts before another one restarts', () => {
    const seen = stop(pending(built, 'cp1', 'kube-apiserver.service'), 'cp3', 'kube-apiserver.service');
    assert.deepEqual(outline(planOf(seen)).slice(0, 2), ['control-plane in turn cp3/kube-apiserver start', 'control-plane in turn cp1/kube-apiserver restart']);
  });

  test('the balancer that holds the VIP changes last', () => {
    const vip = { interface: 'eth0', address: built.cluster.endpoint.vip, prefix: 32 };
    const changed = (seen: SeenCluster, host: string) => withHost(seen, host, ({ files }) => ({ files: new Map([...files, ['/etc/kubekeep/haproxy.cfg', { sha256: 'x', mode: 0o644, owner: 'root:root' }]]) }));
    const seen = withHost(changed(changed(changed(built, 'cp1'), 'cp2'), 'cp3'), 'cp1', ({ addresses }) => ({ addresses: [...addresses, vip] }));
    assert.deepEqual(outline(planOf(seen)).slice(0, 3).map((line) => line.split(' ')[3]), ['cp2/haproxy', 'cp3/haproxy', 'cp1/haproxy']);
  });
});

describe('members whose certificates have run out restart together, since an old and a new one refuse each other', () => {
  const days = (count: number) => count * 86_400_000;
  const later = { ...built, facts: { ...built.facts, observedAt: built.facts.observedAt + days(400) } };
  const unready = (seen: SeenCluster, ...names: string[]) => names.reduce((all, name) => withHost(all, name, ({ etcd }) => ({ etcd: { ...etcd, ready: false } })), seen);
  const renewed = (seen: SeenCluster, name: string) => withHost(seen, name, ({ certificates }) => ({ certificates: new Map([...certificates, ['/etc/kubernetes/pki/etcd/peer.crt', fresh400.get(name)!]]) }));
  const etcdSteps = (seen: SeenCluster) => outline(planOf(seen)).filter((line) => line.includes('/etcd '));
  const all = ['cp1', 'cp2', 'cp3'].map((name) => `etcd together ${name}/etcd restart`);

  test('where no member is ready, whatever else they have to be restarted for', () => {
    assert.deepEqual(etcdSteps(unready(later, 'cp1', 'cp2', 'cp3')), all);
    const pending = ['cp1', 'cp2', 'cp3'].reduce((seen, name) => withHost(seen, name, () => ({ pendingUnits: new Set(['etcd.service']) })), built);
    assert.deepEqual(etcdSteps(unready(pending, 'cp1', 'cp2', 'cp3')), all);
    assert.deepEqual(etcdSteps(unready(pending, 'cp1', 'cp2')), all.map((line) => line.replace('etcd together', 'control-plane in turn')));
  });

  test('where connections from before still carry the quorum, and the plan says what that costs', () => {
    assert.deepEqual(etcdSteps(later), all);
    assert.match(stepsOf(planOf(later)).find(({ id }) => id === 'cp2/etcd')!.effect, /^etcd has no quorum for some seconds: its certificate has run out/);
  });

  test('where one of them has a new one already and is refused by the others: the others follow first', () => {
    const seen = withHost(unready(renewed(later, 'cp1'), 'cp1'), 'cp1', () => ({ pendingUnits: new Set(['etcd.service']) }));
    assert.deepEqual(etcdSteps(seen), [...all.slice(1), 'control-plane in turn cp1/etcd restart']);
  });

  test('and one after the other where those that are in time are a majority', () => {
    assert.deepEqual(etcdSteps(renewed(renewed(later, 'cp1'), 'cp2')), all.map((line) => line.replace('etcd together', 'control-plane in turn')));
  });

  test('but not one with data of before a restore', () => {
    const seen = withHost(['cp1', 'cp2'].reduce((one, name) => withHost(one, name, () => ({ restored: 'first' })), unready(later, 'cp3')), 'cp3', () => ({ restored: undefined }));
    assert.deepEqual(etcdSteps(seen), all.slice(0, 2));
    assert.ok(outline(planOf(seen)).includes('control-plane in turn cp3/etcd-join join'));
  });

  test('nor before they are due: then it is one host at a time', () => {
    const due = { ...built, facts: { ...built.facts, observedAt: built.facts.observedAt + days(300) } };
    assert.deepEqual(etcdSteps(due), all.map((line) => line.replace('etcd together', 'control-plane in turn')));
  });
});

describe('a host that is a load balancer no more', () => {
  const without = (name: string, ...roles: readonly string[]) => ({ ...built, cluster: { ...built.cluster, hosts: built.cluster.hosts.map((host) => (host.name === name ? { ...host, roles: host.roles.filter((role) => !roles.includes(role)) } : host)) } });

  test('lets go of the VIP before the other balancers, who will not listen to it, change', () => {
    const lines = outline(planOf(without('cp3', 'load-balancer')), { reasons: true }).filter((line) => line.startsWith('load-balancer'));
    assert.deepEqual(lines.slice(0, 2), ['keepalived', 'haproxy'].map((name) => `load-balancer in turn cp3/${name} remove: cp3 is not a load balancer any more`));
    assert.deepEqual(lines.slice(2).map((line) => line.split(':')[0]), ['cp1', 'cp2'].map((name) => `load-balancer in turn ${name}/keepalived reload`));
  });

  test('has nothing removed twice, and what a run left that was cut is removed', () => {
    const units = (kept: readonly string[]) => withHost(without('cp3', 'load-balancer'), 'cp3', ({ files }) => ({ files: new Map([...files].filter(([path]) => !path.includes('/kubekeep-') || kept.some((unit) => path.endsWith(unit)))) }));
    const removed = (seen: SeenCluster) => outline(planOf(seen)).filter((line) => line.endsWith(' remove'));
    assert.deepEqual(removed(units([])), []);
    assert.deepEqual(removed(units(['kubekeep-vip-guard.service'])), ['load-balancer in turn cp3/keepalived remove']);
  });

  test('but an etcd or an API server without its role is refused', () => {
    assert.throws(() => { const { cluster, facts } = without('cp3', 'etcd'); refuseLostRoles(cluster, facts); }, { code: 'unsupported-change', message: /^cp3 runs etcd\.service .* the role etcd / });
    assert.throws(() => { const { cluster, facts } = without('cp2', 'control-plane'); refuseLostRoles(cluster, facts); }, { code: 'unsupported-change', message: /^cp2 runs kube-apiserver\.service .* the role control-plane / });
    for (const seen of [built, fresh, without('cp3', 'load-balancer'), withoutHost(without('cp3', 'etcd'), 'cp3')]) refuseLostRoles(seen.cluster, seen.facts);
  });
});

describe('a member that lost its data, or never got to vote, joins', () => {
  test('a reinstalled host gets everything, and its member joins', () => {
    const seen = withHost(built, 'cp2', () => freshHost('10.0.0.12'));
    const lines = outline(planOf(seen));
    assert.deepEqual(lines, [
      'prepare together cp2/system none',
      'control-plane in turn cp2/etcd-join join',
      ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => `control-plane in turn cp2/${name} start`),
      'load-balancer in turn cp2/haproxy start',
      'load-balancer in turn cp2/keepalived start',
      'finish in turn cluster/finish verify',
    ]);
    assert.equal(planOf(seen).mode, 'change');
    assert.ok(stepsOf(planOf(seen))[1]!.write.includes('/etc/kubekeep/etcd.yaml'));
  });

  test('a learner of a run that was cut is promoted', () => {
    const seen = withHost(built, 'cp2', ({ etcd }) => ({ etcd: { ...etcd, formed: false, ready: false } }));
    assert.deepEqual(outline(planOf(seen), { reasons: true })[0], 'control-plane in turn cp2/etcd-join join: cp2 is not known to be a voting member');
  });

  test('a learner that is stopped starts and is then promoted', () => {
    const seen = withHost(built, 'cp2', ({ etcd, units }) => ({ etcd: { ...etcd, formed: false, ready: false }, units: new Map([...units, ['etcd.service', { ...units.get('etcd.service')!, active: 'inactive' }]]) }));
    assert.deepEqual(outline(planOf(seen)).slice(0, 2), ['etcd together cp2/etcd start', 'control-plane in turn cp2/etcd-join join']);
  });

  test('all members together are no build: whoever voted once is never told to found a new cluster', () => {
    const wiped = withHost(built, 'cp2', () => freshHost('10.0.0.12'));
    for (const [title, others] of [
      ['notes', { formed: true, ready: false }],
      ['answers', { formed: false, ready: true }],
    ] as const) {
      const seen = ['cp1', 'cp3'].reduce((all, name) => withHost(all, name, ({ etcd }) => ({ completed: false, etcd: { ...etcd, ...others } })), wiped);
      assert.equal(planOf(seen).mode, 'change', title);
    }
  });
});

describe('a build that was cut goes on', () => {
  const none = { completed: false, etcd: { hasData: true, formed: false, initialState: 'new', ready: false } } as const;
  const half = ['cp1', 'cp2', 'cp3'].reduce((seen, name) => withHost(seen, name, () => none), built);

  test('members without a quorum yet: the plan waits for it, also where no file is missing', () => {
    assert.deepEqual(outline(planOf(half)), ['quorum in turn cluster/quorum form', 'finish in turn cluster/finish verify']);
    assert.equal(planOf(half).mode, 'build');
  });

  test('a quorum that was not noted is noted', () => {
    const seen = ['cp1', 'cp2', 'cp3'].reduce((all, name) => withHost(all, name, ({ etcd }) => ({ etcd: { ...etcd, ready: true } })), half);
    assert.deepEqual(outline(planOf(seen)), ['finish in turn cluster/finish verify']);
  });

  test('a completion that was noted on one host only is noted on the others', () => {
    const seen = withHost(built, 'cp2', () => ({ completed: false }));
    assert.deepEqual(outline(planOf(seen), { reasons: true }), ['finish in turn cluster/finish verify: not noted as complete: cp2']);
  });

  test('one member with data and two fresh hosts are still a build', () => {
    const seen = withHost(fresh, 'cp1', () => ({ ...none, identity: { cluster: 'prod', id: 'x', virtualRouterId: 51 } }));
    assert.equal(planOf(seen).mode, 'build');
    assert.ok(outline(planOf(seen)).includes('etcd together cp2/etcd start'));
  });
});

test('a host that cannot be reached is left out and named', () => {
  const plan = planOf(withoutHost(built, 'cp3'));
  assert.ok(isEmpty(plan));
  assert.deepEqual(plan.warnings, ['cp3 cannot be reached and is left out: no answer']);
});

test('the data of a foreign etcd is not taken for a new cluster', () => {
  const seen = withHost(fresh, 'cp2', ({ etcd }) => ({ etcd: { ...etcd, hasData: true } }));
  assert.throws(() => planOf(seen), { code: 'host-unfit', message: /cp2: \/var\/lib\/etcd has the data of an etcd that is not of this cluster/ });
});

test('step ids are unique in every plan, and the same plan is made of the same facts', () => {
  for (const seen of [fresh, withHost(built, 'cp2', () => freshHost('10.0.0.12'))]) {
    const ids = stepsOf(planOf(seen)).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(planOf(seen), planOf(seen));
  }
});

describe('an etcd member that ends again and again', () => {
  const looping = (etcd: Partial<HostFacts['etcd']>) => (host: HostFacts): Partial<HostFacts> => ({ etcd: { ...host.etcd, ready: false, ...etcd }, units: new Map([...host.units, ['etcd.service', { load: 'loaded', active: 'activating', sub: 'auto-restart', enabled: 'enabled', needsReload: false }]]) });

  test('may have been removed from the cluster: it comes back as a member while another one can be asked', () => {
    assert.ok(outline(planOf(withHost(built, 'cp2', looping({})))).includes('control-plane in turn cp2/etcd-join join'));
  });

  test('is restarted where no other member is ready', () => {
    const seen = ['cp1', 'cp2', 'cp3'].reduce((all, name) => withHost(all, name, looping({})), built);
    assert.ok(outline(planOf(seen)).every((line) => !line.includes('join')));
  });
});

describe('a cluster that was restored as a whole', () => {
  const restored = ['cp1', 'cp2', 'cp3'].reduce((seen, name) => withHost(seen, name, () => ({ restored: 'second.2' })), built);
  const down = (host: HostFacts) => ({ etcd: { ...host.etcd, ready: false }, units: new Map([...host.units, ['etcd.service', { load: 'loaded', active: 'inactive', sub: 'dead', enabled: 'enabled', needsReload: false }]]) });

  for (const [data, from] of [['of before it', undefined], ['of an earlier restore', 'first'], ['of an attempt before', 'second.1']] as const) {
    test(`a host that was away, with data ${data}, joins and is never started on it`, () => {
      const lines = outline(planOf(withHost(restored, 'cp2', (host) => ({ ...down(host), restored: from }))), { reasons: true });
      assert.deepEqual(lines, ['control-plane in turn cp2/etcd-join join: its data is of before the restore of the cluster; /etc/kubekeep/etcd.yaml differs; etcd.service is stopped', 'finish in turn cluster/finish verify: something was changed']);
    });
  }

  test('so does one with data of a restore that was rolled back without it', () => {
    const lines = outline(planOf(withHost(built, 'cp2', (host) => ({ ...down(host), restored: 'first' }))));
    assert.deepEqual(lines.slice(0, 1), ['control-plane in turn cp2/etcd-join join']);
  });

  test('one that runs and finds nobody that knows it joins too', () => {
    const lines = outline(planOf(withHost(restored, 'cp2', ({ etcd }) => ({ etcd: { ...etcd, ready: false }, restored: undefined }))));
    assert.deepEqual(lines, ['control-plane in turn cp2/etcd-join join', 'finish in turn cluster/finish verify']);
  });

  test('one with the same data that is stopped is started', () => {
    assert.deepEqual(outline(planOf(withHost(restored, 'cp2', down))).slice(0, 1), ['etcd together cp2/etcd start']);
  });

  test('as long as the restore is not finished the plan says so', () => {
    assert.match(planOf(withHost(restored, 'cp2', () => ({ restoring: '{}' }))).warnings.join(), /a restore of the whole cluster is not finished on cp2/);
  });
});
