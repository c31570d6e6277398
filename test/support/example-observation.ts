import type { EtcdStatus } from '../../src/clients/etcd/etcd-status.ts';
import { describeHosts, describeWorkers, type Topology } from '../../src/cluster/topologies.ts';
import { hostsWith, type Cluster, type HostSpec } from '../../src/cluster/cluster.ts';
import type { HostFacts, NodeFact, UnitFact } from '../../src/operations/facts.ts';
import type { ApiAnswer, EtcdAnswer, Observation } from '../../src/operations/status/observation.ts';
import { aHost, cluster, now } from './example-cluster.ts';

/** What a healthy cluster looks like: the first host leads etcd and has the VIP, controllers and scheduler lead on the first control-plane host. */
export function anObservation(topology: Topology = 'T3', workers = 0): Observation {
  const hosts = [...describeHosts(topology), ...describeWorkers(workers)].map((host, position) => aHost({ ...host, address: `10.0.0.${11 + position}` }));
  const spec: Cluster = { ...cluster, hosts };
  const members = hostsWith(spec, 'etcd');
  const servers = hostsWith(spec, 'control-plane');
  const holder = hostsWith(spec, 'load-balancer')[0]!;
  return {
    cluster: spec,
    facts: { observedAt: now, hosts: new Map(hosts.map((host) => [host.name, factsOf(host, spec, host === holder)])) },
    etcd: new Map(members.map((host) => [host.name, { ok: true, value: etcdAnswer(host, members) }])),
    api: new Map(servers.map((host) => [host.name, { ok: true, value: apiAnswer(servers[0]!) }])),
    endpoint: new Map(hosts.map(({ name }) => [name, { ok: true, value: { ready: true, milliseconds: 12 } }])),
    drift: { ok: true, value: [] },
    ...(workers > 0 && { nodes: { nodes: new Map(hostsWith(spec, 'worker').map((worker, position) => [worker.name, aNode({ address: worker.address, podNetwork: `10.244.${position}.0/24` })])), requests: [], joinable: '' } }),
  };
}

export function aNode(changes: Partial<NodeFact> = {}): NodeFact {
  return { ready: true, alive: true, reason: '', address: '10.0.0.14', podNetwork: '10.244.0.0/24', kubelet: '1.37.2', cordoned: false, toBeOpened: false, controlPlane: false, managed: true, ...changes };
}

export function anActiveUnit(changes: Partial<UnitFact> = {}): UnitFact {
  return { load: 'loaded', active: 'active', sub: 'running', enabled: 'enabled', needsReload: false, ...changes };
}

function factsOf(host: HostSpec, spec: Cluster, holdsVip: boolean): HostFacts {
  const units = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubekeep-haproxy', 'kubekeep-keepalived', 'kubekeep-lb-alive', 'kubekeep-vip-guard', 'containerd', 'kubelet', 'kube-proxy'];
  const backend = (name: string) => hostsWith(spec, 'control-plane').map((server) => ({ backend: name, server: server.name, status: 'UP', serves: true, lastCheck: 'L7OK', sessions: 3 }));
  return {
    reachable: true,
    os: 'debian 13',
    architecture: 'x86_64',
    openFiles: 1_048_576,
    clock: now,
    addresses: [host.address, ...(holdsVip ? [spec.endpoint.vip] : [])].map((address) => ({ interface: 'eth0', address, prefix: 24 })),
    files: new Map(),
    certificates: new Map(),
    recordedSums: new Map(),
    programs: new Map(),
    units: new Map(units.map((name) => [`${name}.service`, anActiveUnit()])),
    pendingUnits: new Set(),
    packages: new Map(),
    users: new Set(),
    nonlocalBind: true, containers: { cgroups: 2, nested: false, resolvConf: '/etc/resolv.conf' }, joined: false,
    identity: { cluster: spec.name, id: 'ab12', virtualRouterId: 171 },
    sealed: undefined,
    completed: true, restoring: undefined, restored: undefined, endedRestores: [],
    etcd: { hasData: true, formed: true, initialState: 'new', ready: true },
    apiServer: { live: true, ready: true },
    backends: host.roles.includes('load-balancer') ? [...backend('api'), ...backend('api-ready')] : [],
  };
}

export function etcdAnswer(host: HostSpec, members: readonly HostSpec[], changes: Partial<EtcdStatus> = {}): EtcdAnswer {
  const status: EtcdStatus = {
    clusterId: 'c1',
    member: memberId(members, host),
    leader: memberId(members, members[0]!),
    isLearner: false,
    version: '3.7.3',
    storageVersion: '3.7.0',
    revision: 2477,
    raftTerm: 2,
    raftIndex: 3000,
    raftAppliedIndex: 3000,
    dbSize: 20 * 2 ** 20,
    dbSizeInUse: 12 * 2 ** 20,
    dbSizeQuota: 8 * 2 ** 30,
    errors: [],
    downgradeTo: undefined,
    ...changes,
  };
  const list = members.map((member) => ({
    id: memberId(members, member),
    name: member.name,
    peerUrls: [`https://${member.address}:2380`],
    clientUrls: [`https://${member.address}:2379`],
    isLearner: false,
  }));
  return { status, members: list };
}

function memberId(members: readonly HostSpec[], host: HostSpec): string {
  return `a${members.indexOf(host) + 1}`;
}

function apiAnswer(leader: HostSpec): ApiAnswer {
  const lease = (name: 'kube-controller-manager' | 'kube-scheduler') => ({ name, holder: `${leader.name}_6f1c`, renewedAt: now - 2000, durationSeconds: 10 });
  return { version: '1.37.2', failedChecks: [], leases: [lease('kube-controller-manager'), lease('kube-scheduler')] };
}
