import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aHost, aService, cluster } from '../../../test/support/example-cluster.ts';
import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import { neededLinks } from './_try-links.ts';
import { judgeHosts } from './judge-hosts.ts';
import type { HostProbe } from './probe.ts';
import { refuseUnfit, type CheckName, type HostsReport, type Verdict } from './report.ts';
import type { SeenHost, SeenHosts } from './seen-hosts.ts';

const gigabyte = 1e9;
const place = { free: 50 * gigabyte, writable: true, executable: true };
const unit = (name: string, { active = true, ours = true } = {}) => ({ unit: `${name}.service`, active, ours });
const ownUnits = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubekeep-haproxy', 'kubekeep-keepalived'].map((name) => unit(name));

const goodProbe: HostProbe = {
  os: { id: 'debian', version: '13', like: '', title: 'Debian GNU/Linux 13 (trixie)' },
  hasApt: true,
  architecture: 'x86_64',
  init: { name: 'systemd', version: 257 },
  missingTools: [],
  container: undefined,
  machineId: 'a',
  openFiles: 524_288,
  memory: 8 * gigabyte,
  selinuxEnforcing: false,
  places: new Map([['/etc', place], ['/opt', place], ['/var/lib', place], ['/var/lib/etcd', place]]),
  addresses: [{ interface: 'lo', address: '127.0.0.1', prefix: 8 }, { interface: 'eth0', address: '10.0.0.11', prefix: 24 }],
  links: new Map([['lo', '00:00:00:00:00:00'], ['eth0', '02:00:00:00:00:11']]),
  listeners: [{ address: '0.0.0.0', port: 22, by: 'ssh.service' }],
  units: [],
  remains: [],
  identity: undefined,
  usersWithoutGroup: [],
  packages: new Map([['curl', '8.14.1-2'], ['haproxy', '3.0.11-1'], ['keepalived', '1:2.3.3-1'], ['socat', '1.8.0.3-1']]),
  heldPackages: new Set(),
  unattendedUpgrades: false,
  timeService: 'chrony',
  firewall: undefined,
  disk: { samples: 200, median: 0.4, p99: 1.2 },
  arp: new Map([['10.0.0.100', []], ['10.0.0.99', []]]),
  vrrp: [],
};
const good: SeenHost = { probe: goodProbe, login: 'root', clock: { offset: 3, uncertainty: 10 }, links: [], carried: { callers: [] } };
const mine = { cluster: 'prod', id: 'ab12', virtualRouterId: 51 };

interface Changes {
  readonly probe?: Partial<HostProbe>;
  readonly seen?: Partial<SeenHost>;
  readonly spec?: Partial<HostSpec>;
  readonly all?: Partial<SeenHosts>;
}

function judge({ probe = {}, seen = {}, spec = {}, all = {} }: Changes): HostsReport {
  const one: Cluster = { ...cluster, hosts: [aHost(spec)] };
  return judgeHosts({ cluster: one, hosts: new Map([['cp1', { ...good, probe: { ...goodProbe, ...probe }, ...seen }]]), quick: false, slowDisk: false, ...all });
}

const withService: Partial<SeenHosts> = { cluster: { ...cluster, hosts: [aHost({})], services: [aService({ listen: { vip: '10.0.0.101', port: 80 } })] } };
const small = (path: string, changes: Partial<typeof place>): Pick<HostProbe, 'places'> => ({ places: new Map([...goodProbe.places, [path, { ...place, ...changes }]]) });
const listening = (port: number, by: string, address = '10.0.0.11'): Pick<HostProbe, 'listeners'> => ({ listeners: [{ address, port, by }] });

describe('a host', () => {
  test('that is fit has no finding, in any check', () => {
    const { fit, checks } = judge({});
    assert.deepEqual(checks.filter(({ findings }) => findings.length > 0), []);
    assert.ok(fit);
    assert.deepEqual(checks.map(({ check }) => check), ['ssh', 'system', 'space', 'disk', 'clock', 'limits', 'addresses', 'ports', 'others', 'vip', 'vrrp', 'links']);
  });

  test('that serves already is fit: its ports and its VIP are its own', () => {
    const probe = {
      identity: mine,
      units: ownUnits,
      listeners: [
        { address: '10.0.0.11', port: 2379, by: 'etcd.service' },
        { address: '*', port: 6443, by: 'kube-apiserver.service' },
        { address: '10.0.0.100', port: 6443, by: 'kubekeep-haproxy.service' },
      ],
      addresses: [...goodProbe.addresses, { interface: 'eth0', address: '10.0.0.100', prefix: 32 }],
    };
    const { checks, fit } = judge({ probe: { ...probe, listeners: probe.listeners.filter(({ address }) => address !== '*') } });
    assert.deepEqual(checks.flatMap(({ findings }) => findings), []);
    assert.ok(fit);
    assert.equal(checks.find(({ check }) => check === 'vip')!.found, 'held by cp1');
  });

  test('that cannot be reached has one check, and the others are judged all the same', () => {
    const two: Cluster = { ...cluster, hosts: [aHost(), aHost({ name: 'cp2', address: '10.0.0.12' })] };
    const { checks, fit } = judgeHosts({ cluster: two, hosts: new Map<string, SeenHost | { verdict: 'refused'; reason: string }>([['cp1', { verdict: 'refused', reason: 'no answer' }], ['cp2', good]]), quick: false, slowDisk: false });
    assert.deepEqual(checks.filter(({ host }) => host === 'cp1'), [{ host: 'cp1', check: 'ssh', verdict: 'refused', found: 'no', findings: [{ verdict: 'refused', reason: 'no answer' }] }]);
    assert.ok(checks.filter(({ host }) => host === 'cp2').length > 5);
    assert.equal(fit, false);
  });

  const cases: readonly (readonly [title: string, changes: Changes, check: CheckName, verdict: Verdict, reason: RegExp | undefined])[] = [
    ['of another distribution with apt', { probe: { os: { id: 'ubuntu', version: '26.04', like: 'debian', title: 'Ubuntu 26.04' } } }, 'system', 'warning', /Ubuntu 26\.04 is not tested/],
    ['of a distribution without apt', { probe: { hasApt: false } }, 'system', 'refused', /no apt-get/],
    ['of an older Debian', { probe: { os: { id: 'debian', version: '11', like: '', title: 'Debian 11' } } }, 'system', 'warning', /not tested/],
    ['of another architecture', { probe: { architecture: 'riscv64' } }, 'system', 'refused', /riscv64/],
    ['without systemd', { probe: { init: { name: 'init', version: undefined } } }, 'system', 'refused', /process 1 is init/],
    ['with an old systemd', { probe: { init: { name: 'systemd', version: 241 } } }, 'system', 'refused', /systemd 241 is older/],
    ['without basic programs', { probe: { missingTools: ['ss', 'perl'] } }, 'system', 'refused', /ss, perl/],
    ['with SELinux enforcing', { probe: { selinuxEnforcing: true } }, 'system', 'refused', /SELinux/],
    ['whose apt has an old HAProxy', { probe: { packages: new Map([['haproxy', '2.2.9-2']]) } }, 'system', 'refused', /haproxy 2\.2\.9-2 is older than 2\.6/],
    ['whose apt has an old keepalived with an epoch', { probe: { packages: new Map([['keepalived', '1:2.1.5-1']]) } }, 'system', 'refused', /older than 2\.2/],
    ['whose apt has HAProxy 10', { probe: { packages: new Map([['haproxy', '10.0.1']]) } }, 'system', 'ok', undefined],
    ['whose apt has no lists yet', { probe: { packages: new Map([['haproxy', '']]) } }, 'system', 'unknown', /apt knows no version of haproxy/],
    ['with unattended upgrades', { probe: { unattendedUpgrades: true } }, 'system', 'warning', /unattended-upgrades/],
    ['with unattended upgrades and the packages held', { probe: { unattendedUpgrades: true, heldPackages: new Set(['haproxy', 'keepalived']) } }, 'system', 'ok', undefined],
    ['with a read-only root', { probe: small('/etc', { writable: false }) }, 'space', 'refused', /\/etc cannot be written/],
    ['with noexec on /opt', { probe: small('/opt', { executable: false }) }, 'space', 'refused', /noexec/],
    ['with noexec where nothing is run', { probe: small('/var/lib', { executable: false }) }, 'space', 'ok', undefined],
    ['with little space for programs', { probe: small('/opt', { free: 400e6 }) }, 'space', 'refused', /\/opt has 400 MB free; programs need at least 1\.0 GB/],
    ['with little space for programs that are there already', { probe: { ...small('/opt', { free: 400e6 }), identity: mine } }, 'space', 'ok', undefined],
    ['whose disk may become too small', { probe: small('/var/lib/etcd', { free: 5 * gigabyte }) }, 'space', 'warning', /etcd's data may come to need 13 GB/],
    ['with a slow disk', { probe: { disk: { samples: 150, median: 4, p99: 18.2 } } }, 'disk', 'refused', /more than 18 ms/],
    ['with a slow disk that was accepted', { probe: { disk: { samples: 150, median: 4, p99: 18.2 } }, all: { slowDisk: true } }, 'disk', 'warning', /more than 18 ms/],
    ['whose disk could not be measured', { probe: { disk: { failed: 'No space left on device' } } }, 'disk', 'unknown', /No space left/],
    ['whose clock is 0.4 s off', { seen: { clock: { offset: -400, uncertainty: 20 } } }, 'clock', 'ok', undefined],
    ['whose clock is ahead', { seen: { clock: { offset: 3_600_000, uncertainty: 20 } } }, 'clock', 'refused', /60 min ahead of/],
    ['whose clock is behind by more than a year', { seen: { clock: { offset: -400 * 86_400_000, uncertainty: 20 } } }, 'clock', 'refused', /400 days behind/],
    ['whose clock is off, as far as a slow connection tells', { seen: { clock: { offset: 700, uncertainty: 400 } } }, 'clock', 'ok', undefined],
    ['whose connection is too slow to tell', { seen: { clock: { offset: 700, uncertainty: 900 } } }, 'clock', 'unknown', /too slow/],
    ['whose clock nobody keeps', { probe: { timeService: undefined } }, 'clock', 'warning', /no service keeps the clock/],
    ['that is a container', { probe: { timeService: undefined, container: 'lxc' } }, 'clock', 'ok', undefined],
    ['with few open files', { probe: { openFiles: 4096 } }, 'limits', 'warning', /limit of 4096 open files/],
    ['with hardly any open files', { probe: { openFiles: 1024 } }, 'limits', 'refused', /1024 open files/],
    ['without the address of the file', { spec: { address: '10.0.0.77' } }, 'addresses', 'refused', /no interface has the address 10\.0\.0\.77/],
    ['without the interface of the file', { spec: { interface: 'eth7' } }, 'addresses', 'refused', /no interface eth7/],
    ['in another subnet than the VIP', { probe: { addresses: [{ interface: 'eth0', address: '10.0.0.11', prefix: 28 }] } }, 'addresses', 'warning', /none of the host's subnets/],
    ['where etcd\'s port is taken', { probe: listening(2380, 'python3') }, 'ports', 'refused', /port 2380 of etcd\.service is taken by python3/],
    ['where somebody listens on all addresses', { probe: listening(6443, 'nginx.service', '0.0.0.0') }, 'ports', 'refused', /port 6443 of kube-apiserver\.service is taken by nginx\.service/],
    ['where somebody has the port on another address', { probe: listening(2379, 'x', '10.9.9.9') }, 'ports', 'ok', undefined],
    ['where somebody has the port of a role that it lacks', { probe: listening(2379, 'x'), spec: { roles: ['load-balancer'] } }, 'ports', 'ok', undefined],
    ['where a foreign etcd.service has our port', { probe: { ...listening(2379, 'etcd.service'), units: [unit('etcd', { ours: false })] } }, 'ports', 'refused', /taken by etcd\.service/],
    ['with a foreign etcd', { probe: { units: [unit('etcd', { ours: false })] } }, 'others', 'refused', /etcd\.service of somebody else/],
    ['with a foreign HAProxy that is switched off', { probe: { units: [unit('haproxy', { ours: false, active: false })] } }, 'others', 'ok', undefined],
    ['with the data of another etcd', { probe: { remains: ['/var/lib/etcd/member'] } }, 'others', 'refused', /remains/],
    ['of another cluster', { probe: { identity: { ...mine, cluster: 'test' } } }, 'others', 'refused', /belongs to the cluster test/],
    ['with a user etcd without its group', { probe: { usersWithoutGroup: ['etcd'] } }, 'others', 'refused', /user etcd without a group/],
    ['whose VIP somebody answers for', { probe: { arp: new Map([['10.0.0.100', ['02:ff:ff:ff:ff:ff']]]) } }, 'vip', 'refused', /10\.0\.0\.100 is in use: 02:ff:ff:ff:ff:ff answers/],
    ['whose earlier VIP somebody answers for', { probe: { arp: new Map([['10.0.0.99', ['02:ff:ff:ff:ff:ff']]]) } }, 'vip', 'refused', /10\.0\.0\.99 is in use/],
    ['whose VIP of a service somebody answers for', { all: withService, probe: { arp: new Map([['10.0.0.101', ['02:ff:ff:ff:ff:ff']]]) } }, 'vip', 'refused', /10\.0\.0\.101 is in use: 02:ff:ff:ff:ff:ff answers/],
    ['that has the VIP of a service already, though it keeps that of the API', { all: withService, probe: { identity: mine, units: ownUnits, addresses: [...goodProbe.addresses, { interface: 'eth0', address: '10.0.0.101', prefix: 24 }] } }, 'vip', 'refused', /10\.0\.0\.101 is on the host already, and not put there by kubekeep/],
    ['that has the VIP already', { probe: { addresses: [...goodProbe.addresses, { interface: 'eth0', address: '10.0.0.100', prefix: 24 }] } }, 'vip', 'refused', /not put there by kubekeep/],
    ['where nobody can be asked for the VIP', { probe: { arp: { failed: 'Operation not permitted' } } }, 'vip', 'unknown', /Operation not permitted/],
    ['that cannot carry the VIP', { seen: { carried: { failed: 'RTNETLINK answers: Operation not permitted', callers: [] } } }, 'vip', 'refused', /cannot carry 10\.0\.0\.100/],
    ['whose VIP others do not reach', { seen: { carried: { callers: [{ host: 'cp2', answer: 'reached' }, { host: 'cp3', answer: 'no answer' }] } } }, 'vip', 'refused', /cp3 does not reach it \(no answer\)/],
    ['that hears other routers', { probe: { vrrp: [{ id: 7, from: '10.0.0.2' }] } }, 'vrrp', 'ok', undefined],
    ['that hears itself', { probe: { vrrp: [{ id: 51, from: '10.0.0.11' }], identity: mine } }, 'vrrp', 'ok', undefined],
    ['that hears its own id from another router', { probe: { vrrp: [{ id: 51, from: '10.0.0.2' }], identity: mine } }, 'vrrp', 'refused', /10\.0\.0\.2 uses this cluster's VRRP id 51/],
    ['that cannot listen for routers', { probe: { vrrp: { failed: 'Operation not permitted' } } }, 'vrrp', 'unknown', /Operation not permitted/],
    ['behind a firewall', { seen: { links: [{ to: 'cp2', what: 'etcd', port: 2380, answer: 'no answer' }] } }, 'links', 'refused', /etcd from cp1 to cp2 \(TCP 2380\): no answer/],
    ['that is near the others', { seen: { links: [{ to: 'cp2', what: 'etcd', port: 2380, answer: 'open', roundTrip: 50 }] } }, 'links', 'ok', undefined],
    ['that is too far from another', { seen: { links: [{ to: 'cp2', what: 'etcd', port: 2380, answer: 'open', roundTrip: 51 }] } }, 'links', 'warning', /from cp1 to cp2 and back takes 51 ms, more than a tenth of etcd's election time-out of 500 ms/],
    ['that is far from an API server only', { seen: { links: [{ to: 'cp2', what: 'HAProxy to the API server', port: 6443, answer: 'open', roundTrip: 80 }] } }, 'links', 'ok', undefined],
    ['where VRRP\'s protocol is dropped', { seen: { links: [{ to: 'cp2', what: 'VRRP', port: 'vrrp', answer: 'nothing arrived' }] } }, 'links', 'refused', /IP protocol 112\): nothing arrived/],
    ['where VRRP could not be tried', { seen: { links: [{ to: 'cp2', what: 'VRRP', port: 'vrrp', answer: 'unknown' }] } }, 'links', 'unknown', /could not be tried/],
  ];
  for (const [title, changes, check, verdict, reason] of cases) {
    test(`${title}: ${check} is ${verdict}`, () => {
      const report = judge(changes);
      const result = report.checks.find((one) => one.check === check)!;
      assert.equal(result.verdict, verdict, JSON.stringify(result.findings));
      if (reason) assert.match(result.findings.map((finding) => finding.reason).join('\n'), reason);
      assert.equal(report.fit, !report.checks.some((one) => one.verdict === 'refused'));
    });
  }
});

test('router ids of others are reported, to be left alone', () => {
  assert.deepEqual(judge({ probe: { vrrp: [{ id: 9, from: '10.0.0.3' }, { id: 7, from: '10.0.0.2' }, { id: 7, from: '10.0.0.4' }, { id: 51, from: '10.0.0.11' }] } }).takenRouterIds, [7, 9]);
});

test('what is refused becomes one error with every reason, and nothing where all are fit', () => {
  refuseUnfit(judge({ probe: { timeService: undefined } }));
  assert.throws(() => refuseUnfit(judge({ probe: { hasApt: false, remains: ['/etc/rancher'] } })), { code: 'host-unfit', message: /^the hosts are not fit:\n {2}cp1: .*apt-get.*\n {2}cp1: \/etc\/rancher/ });
  assert.throws(() => refuseUnfit(judge({ probe: { remains: ['/etc/rancher'] } })), { code: 'host-unfit', message: /^cp1: \/etc\/rancher has/, hint: /Move/ });
});

describe('connections that are needed', () => {
  const host = (name: string, roles: HostSpec['roles']) => aHost({ name, roles });
  const count = (hosts: readonly HostSpec[]) => {
    const links = neededLinks({ ...cluster, hosts });
    return [2380, 2379, 6443, 'vrrp'].map((port) => links.filter((one) => one.port === port).length);
  };
  const all = ['etcd', 'control-plane', 'load-balancer'] as const;
  test('of one host: none', () => assert.deepEqual(count([host('cp1', all)]), [0, 0, 0, 0]));
  test('of three hosts with all roles: each pair both ways, and no etcd of another host for an API server', () => assert.deepEqual(count(['a', 'b', 'c'].map((name) => host(name, all))), [6, 0, 6, 6]));
  test('of etcd on hosts of its own: every API server to every member', () => {
    assert.deepEqual(count([...['a', 'b', 'c'].map((name) => host(name, ['etcd'])), ...['d', 'e'].map((name) => host(name, ['control-plane', 'load-balancer']))]), [6, 6, 2, 2]);
  });
});
