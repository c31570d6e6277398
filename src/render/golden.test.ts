import { before, describe, test, type TestContext } from 'node:test';
import { join } from 'node:path';
import { describeHosts, describeWorkers, type Topology } from '../cluster/topologies.ts';
import { nodeHosts, type BackupSpec, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { Secret } from '../lib/secret.ts';
import { createSecrets, servicePublicKey, type ClusterSecrets } from '../pki/secrets.ts';
import { aHost, aService, cluster, now } from '../../test/support/example-cluster.ts';
import type { ServiceSpec } from '../cluster/service.ts';
import type { ContainerFacts, FollowerInput, OwnProgramInput, ServicePorts } from './design.ts';
import { hostDesign } from './host-design.ts';
import { joinScript } from './join-script.ts';
import { discoveryFile, initFile, joinFile } from './kubeadm.ts';
import { shownFiles, type ShownFile } from './shown-file.ts';

// After a change on purpose: npm run fix:golden, then read the difference.

let secrets: ClusterSecrets;
before(async () => {
  secrets = { ...(await createSecrets('prod', now)), clusterId: 'ab12'.repeat(16) };
});

describe('every file that is put on a host is as in its golden file', () => {
  test('T3: a host with all roles', (t) => golden(t, 'T3-cp1', filesOf('T3', 'cp1').map(section)));

  for (const [title, topology, host] of [
    ['T1: the only host', 'T1', 'cp1'],
    ['T3: the second host', 'T3', 'cp2'],
    ['T3L: a host without a load balancer', 'T3L', 'cp1'],
    ['T3L: a load balancer and nothing else', 'T3L', 'lb1'],
    ['T3E: etcd and nothing else', 'T3E', 'etcd1'],
    ['T3E: a control plane whose etcd is elsewhere', 'T3E', 'cp1'],
  ] as const) {
    test(`${title}; files that are as on T3 cp1 are only named`, (t) => {
      const usual = new Map(filesOf('T3', 'cp1').map((file) => [file.path, section(file)]));
      golden(t, `${topology}-${host}`, filesOf(topology, host).map((file) => (usual.get(file.path) === section(file) ? `===== ${file.path}: as on T3 cp1\n` : section(file))));
    });
  }

  test('a host that follows the log; only what it has more than another', (t) => {
    const backup = { repository: 's3://backups/prod', bandwidth: 20_000_000, recipients: [], follow: 'hosts' as const, s3: { endpoint: 'https://s3.example:9000', region: 'eu-central-1' } };
    const follower = { program: '/opt/kubekeep/keeper/DIGEST', node: 'node', script: 'bin/kubekeep.mjs', writer: new Secret('keys'), s3Login: new Secret('login'), s3Ca: '(certificate of the S3 server)\n' };
    const usual = new Map(filesOf('T3', 'cp2').map((file) => [file.path, section(file)]));
    const files = filesOf('T3', 'cp2', { backup, follower });
    golden(t, 'T3-cp2-follows', files.map(section).filter((text, position) => usual.get(files[position]!.path) !== text));
  });

  test('T3 with 2 workers: a worker', (t) => golden(t, 'T3-w1', filesOf('T3', 'w1', { workers: 2 }).map(section)));

  test('T3 with 2 workers: what a host of the control plane has beside the usual', (t) => {
    const usual = new Set(filesOf('T3', 'cp1').map(section));
    golden(t, 'T3-cp1-with-workers', filesOf('T3', 'cp1', { workers: 2 }).map(section).filter((text) => !usual.has(text)));
  });

  test('T3 whose hosts are nodes too: what such a host has beside the usual', (t) => {
    const usual = new Set(filesOf('T3', 'cp1').map(section));
    golden(t, 'T3-cp1-kubelet', filesOf('T3', 'cp1', { kubelet: true }).map(section).filter((text) => !usual.has(text)));
  });

  test('T3 with 2 workers and services: what a balancer has beside the usual', (t) => {
    const services = [
      aService(),
      aService({ name: 'blog', listen: { vip: '10.0.0.101', port: 80 }, forward: { namespace: 'web', service: 'blog', port: 'http' }, mode: 'http', balance: 'leastconn', check: { http: { path: '/healthz', expect: '200-299' } } }),
      aService({ name: 'mail', listen: { vip: '10.0.0.102', port: 25 }, forward: { namespace: 'mail', service: 'smtp', port: '25' }, balance: 'source', check: 'local', load: true, proxyProtocol: 'v2', maxConnections: 100, labels: { zone: 'a' } }),
      aService({ name: 'later', listen: { vip: '10.0.0.102', port: 8080 }, forward: { namespace: 'a', service: 'later', port: 'http' }, balance: 'random-2', proxyProtocol: 'v1' }),
    ];
    const servicePorts = new Map([['blog', { nodePort: 31080, health: undefined }], ['mail', { nodePort: 31025, health: 32025 }]]);
    const usual = new Set(filesOf('T3', 'cp2', { workers: 2 }).map(section));
    golden(t, 'T3-cp2-with-services', filesOf('T3', 'cp2', { workers: 2, services, servicePorts }).map(section).filter((text) => !usual.has(text)));
  });

  test('a worker that is a container with version 1 of cgroups, and a network of the user', (t) => {
    const usual = new Set(filesOf('T3', 'w1', { workers: 2 }).map(section));
    golden(t, 'T3-w1-nested', filesOf('T3', 'w1', { workers: 2, cni: 'none', containers: { cgroups: 1, nested: true, resolvConf: '/run/systemd/resolve/resolv.conf' } }).map(section).filter((text) => !usual.has(text)));
  });

  test('T3 with 2 workers and a service that follows the load: what steers on a load balancer, and what says the load of a worker', (t) => {
    const services = [aService({ forward: { namespace: 'shop', service: 'web', port: 'https' }, load: true, check: 'local' })];
    const own = { program: '/opt/kubekeep/keeper/DIGEST', node: 'node', script: 'bin/kubekeep.mjs' };
    const files = ['cp1', 'w1'].flatMap((host) => filesOf('T3', host, { workers: 2, services, own }));
    golden(t, 'T3-steering', files.filter(({ path }) => /steer|load/.test(path)).map(section));
  });

  test('T3 whose API servers follow the load: what steers on a load balancer', (t) => {
    const own = { program: '/opt/kubekeep/keeper/DIGEST', node: 'node', script: 'bin/kubekeep.mjs' };
    golden(t, 'T3-cp1-api-load', filesOf('T3', 'cp1', { apiLoad: true, own }).filter(({ path }) => /steer\.json|load\.socket/.test(path)).map(section));
  });

  test('what kubeadm is told', (t) => {
    const hosts = hostsOf('T3', 2);
    const spec: Cluster = { ...cluster, hosts };
    const token = new Secret('0a1b2c.0123456789abcdef');
    const texts = [initFile(spec, hosts[0]!, token), joinFile(token, { host: hosts[3]!, containers: { cgroups: 1, nested: true, resolvConf: '/etc/resolv.conf' } }), discoveryFile(spec, 'PEM', token), joinScript(spec, { authority: 'PEM', token, expires: '2026-11-24T12:00:00.000Z' })];
    golden(t, 'kubeadm', texts.map((text) => text.reveal()));
  });

  test('a small limit of open files and a member that joins', (t) => {
    const files = filesOf('T3', 'cp1', { openFiles: 4096, etcdInitialState: 'existing' });
    const usual = new Map(filesOf('T3', 'cp1').map((file) => [file.path, section(file)]));
    golden(t, 'T3-cp1-joining', files.map(section).filter((text, position) => usual.get(files[position]!.path) !== text));
  });
});

function golden(t: TestContext, name: string, sections: readonly string[]): void {
  t.assert.fileSnapshot(sections.join('\n'), join(import.meta.dirname, 'golden', `${name}.txt`), { serializers: [(text: string) => text] });
}

function hostsOf(topology: Topology, workers: number, kubelet?: true): readonly HostSpec[] {
  return [...describeHosts(topology), ...describeWorkers(workers)].map((host, position) => aHost({ ...host, address: `10.0.0.${11 + position}`, ...(host.name === 'w1' && { labels: { zone: 'a' } }), ...(kubelet && host.roles.includes('control-plane') && { kubelet }) }));
}

interface Variant {
  readonly openFiles?: number;
  readonly etcdInitialState?: 'existing';
  readonly containers?: ContainerFacts;
  readonly workers?: number;
  readonly kubelet?: true;
  readonly cni?: Cluster['networks']['cni'];
  readonly services?: readonly ServiceSpec[];
  readonly servicePorts?: ReadonlyMap<string, ServicePorts>;
  readonly backup?: BackupSpec;
  readonly follower?: FollowerInput;
  readonly own?: OwnProgramInput;
  readonly apiLoad?: boolean;
}

function filesOf(topology: Topology, name: string, { workers = 0, kubelet, cni = 'bridge', services = [], backup, follower, own, apiLoad = false, ...facts }: Variant = {}): ShownFile[] {
  const hosts = hostsOf(topology, workers, kubelet);
  const spec: Cluster = { ...cluster, endpoint: { ...cluster.endpoint, load: apiLoad }, networks: { ...cluster.networks, cni }, hosts, services, backup };
  const host = hosts.find((one) => one.name === name)!;
  const shown = hostDesign({ cluster: spec, host, secrets, sealed: 'the sealed keys\n', facts: { vipInterface: 'eth0', virtualRouterId: 171, openFiles: 1_048_576, etcdInitialState: 'new', containers: { cgroups: 2, nested: false, resolvConf: '/etc/resolv.conf' }, podNetworks: new Map(nodeHosts({ hosts }).map((one, position) => [one.name, `10.244.${position}.0/24`])), ...facts }, follower, own });
  return shownFiles(shown).map((file) => ({ ...file, content: withoutKeys(file.content) }));
}

/** Certificates of CAs differ from run to run. */
function withoutKeys(content: string): string {
  const certificates = Object.values(secrets.authorities).map(({ name, certificate }) => [certificate, `(certificate of the CA ${name})\n`] as const);
  const known = [...certificates, [servicePublicKey(secrets), '(public key of service accounts)\n'] as const];
  return known.reduce((text, [pem, words]) => text.replaceAll(pem, words), content);
}

function section({ path, mode, owner, content }: ShownFile): string {
  return `===== ${path} ${mode} ${owner}\n${content}`;
}
