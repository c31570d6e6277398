import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExampleFile } from './example-file.ts';
import { exampleClusterFile } from './example-file.ts';
import { findProblems, parseClusterFile } from './parse-cluster-file.ts';
import { describeHosts, topologies } from './topologies.ts';

const place = { file: 'cluster.yaml', directory: '/x' };
const numbered = (topology: (typeof topologies)[number]) => describeHosts(topology).map((host, position) => ({ ...host, address: `10.0.0.${11 + position}` }));

const lab: ExampleFile = {
  name: 'a',
  title: ['The machines of lab a.'],
  vip: '198.18.3.100/24',
  names: ['api.a.test'],
  previousVips: ['198.18.3.99'],
  versions: { kubernetes: '1.37.1', etcd: '3.6.16' },
  programs: { source: 'directory', directory: '../programs' },
  ssh: { user: 'root', identity: 'ssh/id: "1"', port: 22 },
  hosts: ['cp1', 'cp2', 'cp3'].map((name, position) => ({ name, address: `198.18.3.${11 + position}`, interface: 'host0', ssh: { address: `${name}.lab`, hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${name}` } })),
};

describe('an example file', () => {
  for (const topology of topologies) {
    it(`of ${topology} has no problems and its hosts`, () => {
      const text = exampleClusterFile({ name: 'prod', vip: '10.0.0.100/24', hosts: numbered(topology) });
      assert.deepEqual(findProblems(text), []);
      assert.deepEqual(parseClusterFile(text, place).hosts.map(({ name, roles }) => ({ name, roles })), describeHosts(topology));
    });
  }

  it('says all that a lab gives it', () => {
    const cluster = parseClusterFile(exampleClusterFile(lab), place);
    assert.deepEqual(cluster.endpoint, { vip: '198.18.3.100', prefix: 24, port: 6443, names: ['api.a.test'], previousVips: ['198.18.3.99'], load: false });
    assert.deepEqual([cluster.name, cluster.kubernetes.version, cluster.etcd.version], ['a', '1.37.1', '3.6.16']);
    assert.deepEqual(cluster.programs, { source: 'directory', directory: '/programs' });
    assert.deepEqual(cluster.hosts[1], { name: 'cp2', address: '198.18.3.12', roles: ['etcd', 'control-plane', 'load-balancer'], interface: 'host0', labels: {}, ssh: { address: 'cp2.lab', port: 22, user: 'root', identity: '/x/ssh/id: "1"', jump: undefined, hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIcp2' } });
  });

  it('is the same text for the same input', () => assert.equal(exampleClusterFile(lab), exampleClusterFile(structuredClone(lab))));

  it('stays good when its commented examples are used', () => {
    const text = exampleClusterFile({ name: 'prod', vip: '10.0.0.100/24', hosts: numbered('T3') });
    const used = text.replaceAll(/^( *)# ((names|extraSans|apiServer|programs|backup|ssh):.*| {2}(source|repository|user|port|identity|jump): .*)$/gm, '$1$2');
    assert.equal(used.split('\n').filter((line, position) => line !== text.split('\n')[position]).length, 12);
    assert.deepEqual(findProblems(used), []);
    assert.equal(parseClusterFile(used, place).hosts[0]!.ssh.jump, 'admin@bastion.example');
  });

  it('quotes what YAML would read as something else', () => {
    assert.match(exampleClusterFile({ name: '123', vip: '10.0.0.100/24', hosts: numbered('T1') }), /^ {2}name: "123"$/m);
  });
});
