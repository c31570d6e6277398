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

const shop = { name: 'shop', listen: { port: 443 }, forward: { nodePort: 30443 } };
const workers = [host('w1', 21, { roles: ['worker'], labels: { zone: 'a' } }), host('w2', 22, { roles: ['worker'], labels: { zone: 'b', disk: 'fast' } })];
const services = (...changes: readonly object[]) => ({ hosts: [...three, ...workers], services: changes.map((change) => ({ ...shop, ...change })) });

describe('what is refused beyond single fields', () => {
  const cases: readonly (readonly [title: string, spec: Spec, ...expected: readonly string[]])[] = [
    ['hosts that follow into a folder', { backup: { repository: '/mnt/backups', follow: 'hosts' } }, 'spec.backup.follow: hosts cannot follow into a folder of this computer (set repository: s3://BUCKET/PREFIX'],
    ['hosts that follow to this computer', { backup: { repository: 's3://backups', follow: 'hosts', s3: { endpoint: 'https://127.0.0.1:9000' } } }, 'spec.backup.s3.endpoint: https://127.0.0.1:9000 is each host itself'],
    ['hosts that follow without a region', { backup: { repository: 's3://backups', follow: 'hosts' } }, 'spec.backup.follow: hosts do not know the region of the bucket (set spec.backup.s3.region)'],
    ['a login of hosts that do not follow', { backup: { repository: 's3://backups', s3: { hostCredentials: 'x' } } }, 'spec.backup.s3.hostCredentials: spec.backup.s3.hostCredentials is not used without spec.backup.follow: hosts'],
    ['two hosts of one name', { hosts: [...three.slice(0, 2), host('cp1', 13)] }, 'spec.hosts[2].name: the name cp1 is taken by spec.hosts[0] already'],
    ['two hosts of one address', { hosts: [...three.slice(0, 2), host('cp3', 11)] }, 'spec.hosts[2].address: the address 10.0.0.11 is taken by spec.hosts[0] already'],
    ['a host that is reached at the address of another one', { hosts: three.map((one, position) => (position === 2 ? { ...one, ssh: { address: three[0]!.address } } : one)) }, `spec.hosts[2].ssh.address: the SSH address and port ${three[0]!.address} is taken by spec.hosts[0] already`],
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
    ['more nodes than networks for their pods', { networks: { pods: '10.244.0.0/23' }, hosts: [...three.slice(0, 2), host('cp3', 13, { kubelet: true }), ...[21, 22].map((last) => host(`w${last}`, last, { roles: ['worker'] }))] }, 'spec.networks.pods: 10.244.0.0/23 has room for 2 nodes (a /24 each), and there are 3 (use a larger network)'],
    ['a kubelet that a worker is not to have', { hosts: [...three, host('w1', 21, { roles: ['worker'], kubelet: false })] }, 'spec.hosts[3].kubelet: a worker always has a kubelet; the field is for hosts of the control plane (take it out)'],
    ['a kubelet on a host without the control plane', { hosts: [...three, host('lb1', 21, { roles: ['load-balancer'], kubelet: true })] }, 'spec.hosts[3].kubelet: only a worker or a host with the role control-plane can be a node (take it out, or give the host the role worker alone)'],
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
    ['another balance', services({ balance: 'leastcon' }), 'spec.services[0].balance: spec.services[0].balance must be one of roundrobin, leastconn, random-2, source, not "leastcon" (did you mean "leastconn"?)'],
    ['a Service without a port', services({ forward: { service: 'shop/web' } }), 'spec.services[0].forward: ', 'spec.services[0].forward.service: spec.services[0].forward.service must be NAMESPACE/NAME:PORT'],
    ['an unknown check', services({ check: { tpc: {} } }), 'spec.services[0].check: spec.services[0].check must be tcp, local, or { http: { path: /healthz, expect: 200-299 } }, not a mapping'],
    ['a path without its slash', services({ check: { http: { path: 'healthz' } } }), 'spec.services[0].check.http.path: '],
    ['two services of one name', services({}, { listen: { port: 444 } }), 'spec.services[1].name: the name shop is taken by spec.services[0] already (every service needs its own)'],
    ['two services at one port of one VIP', services({}, { name: 'other', listen: { vip: '10.0.0.100', port: 443 } }), 'spec.services[1].listen.port: port 443 of 10.0.0.100 is taken by spec.services[0] already'],
    ["a service at the API's port", services({ listen: { port: 6443 } }), 'spec.services[0].listen.port: port 6443 of 10.0.0.100 is the one of the API'],
    ["a service at SSH's port", services({ listen: { vip: '10.0.0.101', port: 22 } }), 'spec.services[0].listen.port: port 22 is the one of SSH on the load balancers'],
    ["a service's VIP that is a host", services({ listen: { vip: '10.0.0.21', port: 443 } }), 'spec.services[0].listen.vip: 10.0.0.21 is the address of spec.hosts[3]'],
    ['a service called as the API servers are', services({ name: 'api' }), 'spec.services[0].name: the name api is the one of the API servers'],
    ["a service's VIP that was the API's", { ...services({ listen: { vip: '10.0.0.99', port: 443 } }), endpoint: { previousVips: ['10.0.0.99'] } }, 'spec.services[0].listen.vip: 10.0.0.99 is an earlier VIP of the API'],
    ["a service's VIP outside of the subnet", services({ listen: { vip: '10.0.1.101', port: 443 } }), 'spec.services[0].listen.vip: 10.0.1.101 is outside of the subnet of the load balancers (10.0.0.100/24), so nobody would reach it there (10.0.0.1 to 10.0.0.254 are possible)'],
    ["a service's VIP that is a broadcast address", services({ listen: { vip: '10.0.0.255', port: 443 } }), 'spec.services[0].listen.vip: 10.0.0.255 is the broadcast address'],
    ["a service's VIP that is the loopback", services({ listen: { vip: '127.0.0.1', port: 443 } }), 'spec.services[0].listen.vip: a service cannot listen at 127.0.0.1: 127.0.0.0/8 is the loopback'],
    ["a service's VIP among the pods", { ...services({ listen: { vip: '10.0.0.101', port: 443 } }), endpoint: { vip: '10.0.0.129/24' }, networks: { pods: '10.0.0.96/28' } }, 'spec.networks.pods: '],
    ['a service that leads to two places', services({ forward: { nodePort: 30443, service: 'shop/web:https' } }), 'spec.services[0].forward: a service leads to a nodePort or to a Service, not to both'],
    ['a service that leads nowhere', services({ forward: {} }), 'spec.services[0].forward: the service leads nowhere'],
    ['a node port that nobody gives out', services({ forward: { nodePort: 443 } }), 'spec.services[0].forward.nodePort: node port 443 is outside of the range that the API server gives out (30000-32767) (take one of 30000 to 32767)'],
    ['a node port outside of another range', { ...services({}), ...flags('apiServer', { 'service-node-port-range': '20000+100' }) }, 'spec.services[0].forward.nodePort: node port 30443 is outside of the range that the API server gives out (20000+100) (take one of 20000 to 20100)'],
    ['a label that no worker has', services({ nodes: { labels: { zone: 'c' } } }), 'spec.services[0].nodes.labels.zone: no worker has the label zone: c'],
    ['labels that no worker has together', services({ nodes: { labels: { zone: 'a', disk: 'fast' } } }), 'spec.services[0].nodes.labels: no worker has all of these labels'],
    ['a service without workers', { services: [shop] }, 'spec.services[0].nodes: no host has the role worker, so the service has no node'],
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
    ['services', services({ nodes: { labels: { zone: 'a' } }, check: { http: { path: '/healthz' } } }, { name: 'mail', listen: { vip: '10.0.0.101', port: 6443 }, forward: { service: 'mail/smtp:25' }, check: 'local', load: true })],
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
