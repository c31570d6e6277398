import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { findProblems } from './parse-cluster-file.ts';

const host = (name: string, last: number, more: object = {}) => ({ name, address: `10.0.0.${last}`, ...more });
const three = [host('cp1', 11), host('cp2', 12), host('cp3', 13)];

interface Spec {
  readonly endpoint?: object;
  readonly hosts?: readonly object[];
  readonly [block: string]: unknown;
}

/** A good cluster file with other blocks in its spec. */
function problems({ endpoint, hosts = three, ...others }: Spec): readonly string[] {
  const spec = { endpoint: { vip: '10.0.0.100/24', ...endpoint }, hosts, ...others };
  return findProblems(stringify({ apiVersion: 'kubekeep.dev/v1alpha1', kind: 'Cluster', metadata: { name: 'prod' }, spec })).map(({ path, message, suggestion }) => `${path}: ${message}${suggestion ? ` (${suggestion})` : ''}`);
}

const etcdOnly = { roles: ['etcd'] };
const flags = (component: string, extraFlags: object) => ({ kubernetes: { [component]: { extraFlags } } });

describe('what is refused beyond single fields', () => {
  const cases: readonly (readonly [title: string, spec: Spec, ...expected: readonly string[]])[] = [
    ['hosts that follow into a folder', { backup: { repository: '/mnt/backups', follow: 'hosts' } }, 'spec.backup.follow: hosts cannot follow into a folder of this computer (set repository: s3://BUCKET/PREFIX'],
    ['hosts that follow to this computer', { backup: { repository: 's3://backups', follow: 'hosts', s3: { endpoint: 'https://127.0.0.1:9000' } } }, 'spec.backup.s3.endpoint: https://127.0.0.1:9000 is each host itself'],
    ['hosts that follow without a region', { backup: { repository: 's3://backups', follow: 'hosts' } }, 'spec.backup.follow: hosts do not know the region of the bucket (set spec.backup.s3.region)'],
    ['a login of hosts that do not follow', { backup: { repository: 's3://backups', s3: { hostCredentials: 'x' } } }, 'spec.backup.s3.hostCredentials: spec.backup.s3.hostCredentials is not used without spec.backup.follow: hosts'],
    ['two hosts of one name', { hosts: [...three.slice(0, 2), host('cp1', 13)] }, 'spec.hosts[2].name: the name cp1 is taken by spec.hosts[0] already'],
    ['two hosts of one address', { hosts: [...three.slice(0, 2), host('cp3', 11)] }, 'spec.hosts[2].address: the address 10.0.0.11 is taken by spec.hosts[0] already'],
    ['two hosts behind one SSH address', { hosts: three.map((one) => ({ ...one, ssh: { address: 'gate.example' } })) }, 'spec.hosts[1].ssh.address: the SSH address and port gate.example is taken', 'spec.hosts[2].ssh.address: '],
    ['a role given twice', { hosts: [host('cp1', 11, { roles: ['etcd', 'etcd', 'control-plane', 'load-balancer'] })] }, 'spec.hosts[0].roles[1]: etcd is in the list twice'],
    ['a name given twice', { endpoint: { names: ['a.example', 'a.example'] } }, 'spec.endpoint.names[1]: a.example is in the list twice'],
    ['two etcd hosts', { hosts: three.slice(0, 2) }, 'spec.hosts: 2 hosts have the role etcd; an even number survives the loss of none, as 1 do (use 1 or 3)'],
    ['four etcd hosts', { hosts: [...three, host('cp4', 14)] }, 'spec.hosts: 4 hosts have the role etcd; an even number survives the loss of no more than 1, as 3 do (use 3 or 5)'],
    ['nine etcd hosts', { hosts: Array.from({ length: 9 }, (_, n) => host(`cp${n}`, 11 + n)) }, 'spec.hosts: 9 hosts have the role etcd; more than seven'],
    ['no etcd host', { hosts: [host('cp1', 11, { roles: ['control-plane', 'load-balancer'] })] }, 'spec.hosts: no host has the role etcd'],
    ['no control-plane host', { hosts: [host('cp1', 11, { roles: ['etcd', 'load-balancer'] })] }, 'spec.hosts: no host has the role control-plane'],
    ['no load balancer', { hosts: three.map((one) => ({ ...one, roles: ['etcd', 'control-plane'] })) }, 'spec.hosts: no host has the role load-balancer, so nothing would hold the VIP'],
    ['a worker that is something else too', { hosts: [...three, host('w1', 21, { roles: ['worker', 'load-balancer'] })] }, 'spec.hosts[3].roles: a worker cannot be load-balancer too: pods would compete with the control plane for the host (give it the role worker alone, or take worker out)'],
    ['more workers than networks for their pods', { networks: { pods: '10.244.0.0/23' }, hosts: [...three, ...[21, 22, 23].map((last) => host(`w${last}`, last, { roles: ['worker'] }))] }, 'spec.networks.pods: 10.244.0.0/23 has room for 2 workers (a /24 each), and there are 3 (use a larger network)'],
    ['only workers', { hosts: [host('w1', 21, { roles: ['worker'] })] }, 'spec.hosts: no host has the role etcd', 'spec.hosts: no host has the role control-plane', 'spec.hosts: no host has the role load-balancer'],
    ['a VIP that is a host', { endpoint: { vip: '10.0.0.12/24' } }, 'spec.endpoint.vip: 10.0.0.12 is the address of spec.hosts[1]; a VIP must be an address that no host has'],
    ['an earlier VIP that is a host', { endpoint: { previousVips: ['10.0.0.12'] } }, 'spec.endpoint.previousVips[0]: 10.0.0.12 is the address of spec.hosts[1]'],
    ['an earlier VIP that is the VIP', { endpoint: { previousVips: ['10.0.0.100'] } }, 'spec.endpoint.previousVips[0]: 10.0.0.100 is the VIP of now'],
    ['a VIP outside of every subnet', { endpoint: { vip: '10.0.9.100/24' } }, "spec.hosts[0].address: 10.0.0.11 is outside of the VIP's subnet (10.0.9.100/24)", 'spec.hosts[1].address: ', 'spec.hosts[2].address: '],
    ['a VIP that is a network address', { endpoint: { vip: '10.0.0.0/24' } }, 'spec.endpoint.vip: 10.0.0.0 is the network address of its subnet and cannot be a VIP (10.0.0.1 to 10.0.0.254 are possible)'],
    ['a VIP that is a broadcast address', { endpoint: { vip: '10.0.0.127/25' } }, 'spec.endpoint.vip: 10.0.0.127 is the broadcast address'],
    ['a multicast VIP', { endpoint: { vip: '224.0.0.9/24' }, hosts: three.map((one) => ({ ...one, interface: 'eth0' })) }, 'spec.endpoint.vip: spec.endpoint.vip cannot be 224.0.0.9: 224.0.0.0/4 is multicast'],
    ['a loopback address as host', { hosts: [{ name: 'cp1', address: '127.0.0.1', interface: 'eth0' }] }, 'spec.hosts[0].address: spec.hosts[0].address cannot be 127.0.0.1: 127.0.0.0/8 is the loopback'],
    ["etcd's port for the endpoint", { endpoint: { port: 2379 } }, 'spec.endpoint.port: port 2379 is the one of etcd on the hosts'],
    ["SSH's port for the endpoint", { endpoint: { port: 2222 }, ssh: { port: 2222 } }, 'spec.endpoint.port: port 2222 is the one of SSH'],
    ['pods and services in one network', { networks: { pods: '10.96.0.0/16' } }, "spec.networks.services: the services' network 10.96.0.0/12 overlaps with the pods' network 10.96.0.0/16"],
    ['a host among the pods', { networks: { pods: '10.0.0.0/16' } }, 'spec.endpoint.vip: the VIP 10.0.0.100 lies in the network of the pods (10.0.0.0/16)', "spec.hosts[0].address: the host's address 10.0.0.11 lies in", 'spec.hosts[1].address: ', 'spec.hosts[2].address: '],
    ['an earlier VIP among the services', { endpoint: { previousVips: ['10.100.0.1'] } }, 'spec.endpoint.previousVips[0]: the earlier VIP 10.100.0.1 lies in the network of the services'],
    ['a network that is an address', { networks: { pods: '10.244.7.0/16' } }, 'spec.networks.pods: 10.244.7.0/16 is an address within a network and not a network (did you mean 10.244.0.0/16?)'],
    ['a blocked etcd', { etcd: { version: '3.6.8' } }, 'spec.etcd.version: etcd 3.6.8 answers with stale data after a pause of its process, and its authentication can be bypassed (use 3.6.14)'],
    ['a Kubernetes that is not supported', { kubernetes: { version: '1.36.1' } }, 'spec.kubernetes.version: Kubernetes 1.36.1 is not supported by this release, which runs 1.37.x (use 1.37.2)'],
    ['an election time-out too short for the heartbeat', { etcd: { heartbeatInterval: 300 } }, 'spec.etcd.electionTimeout: an election time-out of 500 ms is less than five times the heartbeat interval of 300 ms (use at least 1500)'],
    ["etcd's address as a flag", flags('apiServer', { 'etcd-servers': 'http://x' }), 'spec.kubernetes.apiServer.extraFlags.etcd-servers: flag etcd-servers is set by kubekeep'],
    ['anonymous access as a flag', flags('apiServer', { 'anonymous-auth': false }), 'spec.kubernetes.apiServer.extraFlags.anonymous-auth: flag anonymous-auth stops the API server'],
    ['an authorization mode as a flag', flags('apiServer', { 'authorization-mode': 'AlwaysAllow' }), 'spec.kubernetes.apiServer.extraFlags.authorization-mode: '],
    ['a key file as a flag', flags('scheduler', { 'tls-private-key-file': '/x' }), 'spec.kubernetes.scheduler.extraFlags.tls-private-key-file: '],
    ['a removed flag', flags('apiServer', { 'insecure-port': 8080 }), 'spec.kubernetes.apiServer.extraFlags.insecure-port: flag insecure-port no longer exists'],
    ['a family of flags', flags('apiServer', { 'oidc-issuer-url': 'https://x' }), 'spec.kubernetes.apiServer.extraFlags.oidc-issuer-url: '],
    ['the key of the signing CA as a flag', flags('controllerManager', { 'cluster-signing-kubelet-client-key-file': '/x' }), 'spec.kubernetes.controllerManager.extraFlags.cluster-signing-kubelet-client-key-file: '],
    ["the pods' network as a flag", flags('controllerManager', { 'cluster-cidr': '10.0.0.0/8' }), 'spec.kubernetes.controllerManager.extraFlags.cluster-cidr: flag cluster-cidr comes from spec.networks.pods'],
    ['a dropped feature gate', flags('apiServer', { 'feature-gates': 'WatchList=true,APIServerTracing=true' }), 'spec.kubernetes.apiServer.extraFlags.feature-gates: feature gate APIServerTracing is always on'],
    ['a goaway-chance that stops the API server', flags('apiServer', { 'goaway-chance': 0.5 }), 'spec.kubernetes.apiServer.extraFlags.goaway-chance: '],
    ['a directory that is not named', { programs: { source: 'directory' } }, 'spec.programs.directory: spec.programs.source is directory'],
    ['a directory that is not used', { programs: { directory: 'x' } }, 'spec.programs.directory: spec.programs.directory is not used with source: auto'],
    ['a mirror that is not used', { programs: { source: 'build', mirror: 'https://x.example' } }, 'spec.programs.mirror: '],
  ];
  for (const [title, spec, ...expected] of cases) {
    it(title, () => {
      const found = problems(spec);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [position, start] of expected.entries()) assert.ok(found[position]!.startsWith(start), `${found[position]}\nshould start with\n${start}`);
    });
  }
});

describe('what is allowed', () => {
  const cases: readonly (readonly [title: string, spec: Spec])[] = [
    ['a load balancer outside of the subnet that names its interface', { endpoint: { vip: '10.9.0.1/32' }, hosts: three.map((one) => ({ ...one, interface: 'eth0' })) }],
    ['an etcd host outside of the subnet', { hosts: [host('cp1', 11, { roles: ['control-plane', 'load-balancer'] }), { name: 'e1', address: '192.168.0.1', ...etcdOnly }] }],
    ['hosts behind one SSH address at several ports', { hosts: three.map((one, n) => ({ ...one, ssh: { address: 'gate.example', port: 2201 + n } })) }],
    ['hosts of one SSH name behind several jump hosts', { hosts: three.map((one, n) => ({ ...one, ssh: { address: 'node', jump: `site${n}.example` } })) }],
    ['flags that tune', { kubernetes: { apiServer: { extraFlags: { 'event-ttl': '2h', 'goaway-chance': 0.02, 'feature-gates': 'WatchList=true' } }, controllerManager: { extraFlags: { 'cloud-provider': 'external', 'cluster-signing-duration': '720h' } } } }],
    ['hosts that follow', { backup: { repository: 's3://backups', follow: 'hosts', s3: { region: 'eu-central-1', hostCredentials: 'x' } } }],
    ['slow disks', { etcd: { heartbeatInterval: 300, electionTimeout: 3000 } }],
    ['etcd 3.6', { etcd: { version: '3.6.14' } }],
    ['a folder of programs', { programs: { source: 'directory', directory: 'x' } }],
  ];
  for (const [title, spec] of cases) it(title, () => assert.deepEqual(problems(spec), []));
});

describe('a rule', () => {
  it('speaks although other fields are wrong', () => {
    const found = problems({ endpoint: { vip: 'x' }, hosts: [host('cp1', 11), host('cp1', 300)], etcd: { version: '3.7.0', electionTimeout: '1' } });
    assert.deepEqual(found.map((one) => one.split(':')[0]), ['spec.endpoint.vip', 'spec.hosts', 'spec.hosts[1].name', 'spec.hosts[1].address', 'spec.etcd.version', 'spec.etcd.electionTimeout']);
  });

  it('does not blame the number of members where a role is misspelt', () => {
    const found = problems({ hosts: [host('cp1', 11), host('cp2', 12), host('cp3', 13, { roles: ['etdc'] })] });
    assert.deepEqual(found.map((one) => one.split(':')[0]), ['spec.hosts[2].roles[0]']);
  });
});
