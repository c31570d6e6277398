import Ajv2020 from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { exampleClusterFile } from '../../src/cluster/example-file.ts';
import { findProblems } from '../../src/cluster/parse-cluster-file.ts';
import { describeHosts } from '../../src/cluster/topologies.ts';
import { clusterSchema, clusterSchemaText, externalSchema } from '../support/cluster-schema.ts';
import type { JsonSchema } from '../support/cluster-schema.ts';
import { fromRepository } from '../support/from-repository.ts';

const fileText = readFileSync(fromRepository('schema/cluster.json'), 'utf8');
const accepts = new Ajv2020.default({ strict: true, allowUnionTypes: true }).compile(JSON.parse(fileText) as object);

type Values = Record<string, any>;

const good = (): Values => parse(exampleClusterFile({ name: 'prod', vip: '10.0.0.100/24', hosts: describeHosts('T3').map((host, n) => ({ ...host, address: `10.0.0.${11 + n}` })) }));

/** What both say about a file: good, or bad; the parser alone knows the rules about several fields. */
const rows: readonly (readonly [title: string, edit: (file: Values) => void, schema: 'good' | 'bad', parser: 'good' | 'bad'])[] = [
  ['an example', () => {}, 'good', 'good'],
  ['every block empty', (file) => Object.assign(file['spec'], { kubernetes: {}, etcd: {}, networks: {}, programs: {}, ssh: {} }), 'good', 'good'],
  ['flags of three types', (file) => (file['spec'].kubernetes.apiServer = { extraFlags: { v: 4, profiling: true, 'event-ttl': '2h' } }), 'good', 'good'],
  ['names', (file) => Object.assign(file['spec'].endpoint, { names: ['api.example', 'x'], previousVips: ['10.0.0.99'] }), 'good', 'good'],
  ['SANs', (file) => (file['spec'].kubernetes.extraSans = ['api.example', '1.2.3.4']), 'good', 'good'],
  ['a host with everything', (file) => Object.assign(file['spec'].hosts[0], { interface: 'eth0.100', roles: ['load-balancer', 'control-plane', 'etcd'], ssh: { address: 'cp1_alias', port: 2222, user: 'admin', identity: '~/x', jump: 'a@b:1,c', hostKey: `ssh-ed25519 AAAA${'x'.repeat(60)}` } }), 'good', 'good'],
  ['a file without a kind', (file) => delete file['kind'], 'bad', 'bad'],
  ['another apiVersion', (file) => (file['apiVersion'] = 'v1'), 'bad', 'bad'],
  ['an unknown field at the top', (file) => (file['status'] = {}), 'bad', 'bad'],
  ['an unknown field of a host', (file) => (file['spec'].hosts[1].ip = '10.0.0.12'), 'bad', 'bad'],
  ['an unknown field of SSH', (file) => (file['spec'].ssh = { keyFile: 'x' }), 'bad', 'bad'],
  ['null for a block', (file) => (file['spec'].etcd = null), 'bad', 'bad'],
  ['no hosts', (file) => (file['spec'].hosts = []), 'bad', 'bad'],
  ['a VIP without a prefix', (file) => (file['spec'].endpoint.vip = '10.0.0.100'), 'bad', 'bad'],
  ['a VIP with a wide prefix', (file) => (file['spec'].endpoint.vip = '10.0.0.100/7'), 'bad', 'bad'],
  ['an IPv6 address', (file) => (file['spec'].hosts[0].address = 'fd00::1'), 'bad', 'bad'],
  ['an address with a leading zero', (file) => (file['spec'].hosts[0].address = '10.0.0.011'), 'bad', 'bad'],
  ['an address in place of a name', (file) => (file['spec'].endpoint.names = ['10.0.0.300']), 'bad', 'bad'],
  ['a name that is too long', (file) => (file['spec'].endpoint.names = [`${'a.'.repeat(130)}b`]), 'bad', 'bad'],
  ['a wildcard SAN', (file) => (file['spec'].kubernetes.extraSans = ['*.example']), 'bad', 'bad'],
  ['a host name with a line break at the end', (file) => (file['spec'].hosts[0].name = 'cp1\n'), 'bad', 'bad'],
  ['a port as text', (file) => (file['spec'].endpoint.port = '6443'), 'bad', 'bad'],
  ['a port with a fraction', (file) => (file['spec'].endpoint.port = 6443.5), 'bad', 'bad'],
  ['port 0', (file) => (file['spec'].endpoint.port = 0), 'bad', 'bad'],
  ['a version as number', (file) => (file['spec'].etcd.version = 3.7), 'bad', 'bad'],
  ['a worker', (file) => file['spec'].hosts.push({ name: 'w1', address: '10.0.0.21', roles: ['worker'] }), 'good', 'good'],
  ['a worker that is something else too', (file) => (file['spec'].hosts[0].roles = ['worker', 'etcd']), 'good', 'bad'],
  ['an unknown role', (file) => (file['spec'].hosts[0].roles = ['ingress']), 'bad', 'bad'],
  ['an unknown network for pods', (file) => (file['spec'].networks = { cni: 'flannel' }), 'bad', 'bad'],
  ['no roles', (file) => (file['spec'].hosts[0].roles = []), 'bad', 'bad'],
  ['a flag with dashes', (file) => (file['spec'].kubernetes.scheduler = { extraFlags: { '--v': '4' } }), 'bad', 'bad'],
  ['a flag without a value', (file) => (file['spec'].kubernetes.scheduler = { extraFlags: { v: null } }), 'bad', 'bad'],
  ['a flag on two lines', (file) => (file['spec'].kubernetes.scheduler = { extraFlags: { v: '4\nx' } }), 'bad', 'bad'],
  ['an unknown source', (file) => (file['spec'].programs = { source: 'internet' }), 'bad', 'bad'],
  ['a mirror with a password', (file) => (file['spec'].programs = { mirror: 'https://a:b@c.example' }), 'bad', 'bad'],
  ['services in too small a network', (file) => (file['spec'].networks.services = '10.96.0.0/29'), 'bad', 'bad'],
  ['a short election time-out', (file) => (file['spec'].etcd.electionTimeout = 499), 'bad', 'bad'],
  ['a blocked version', (file) => (file['spec'].etcd.version = '3.7.0'), 'good', 'bad'],
  ['a VIP that is a host', (file) => (file['spec'].endpoint.vip = '10.0.0.11/24'), 'good', 'bad'],
  ['an owned flag', (file) => (file['spec'].kubernetes.apiServer = { extraFlags: { 'etcd-servers': 'x' } }), 'good', 'bad'],
];

const external = (): Values => parse('{ apiVersion: kubekeep.dev/v1alpha1, kind: Cluster, metadata: { name: prod }, spec: { external: { etcd: { endpoints: ["https://10.0.0.11:2379"], ca: ca.crt, certificate: c.crt, key: c.key } } } }');
const etcdOf = (file: Values): Values => file['spec'].external.etcd;

/** The same about the file of a cluster that kubekeep did not build. */
const externalRows: typeof rows = [
  ['the smallest', () => {}, 'good', 'good'],
  ['every field', (file) => Object.assign(file['spec'], { kubernetes: { version: '1.37.2' }, etcd: { version: '3.7.3' }, programs: { source: 'build' }, backup: { repository: '/b' } }), 'good', 'good'],
  ['names and a slash', (file) => (etcdOf(file)['endpoints'] = ['https://etcd-1.example:2379/', 'https://etcd-2:2379']), 'good', 'good'],
  ['nothing in it', (file) => (file['spec'].external = null), 'bad', 'bad'],
  ['no endpoints', (file) => (etcdOf(file)['endpoints'] = []), 'bad', 'bad'],
  ['an endpoint without a port', (file) => (etcdOf(file)['endpoints'] = ['https://10.0.0.11']), 'bad', 'bad'],
  ['an endpoint without TLS', (file) => (etcdOf(file)['endpoints'] = ['http://10.0.0.11:2379']), 'bad', 'bad'],
  ['an endpoint with a password', (file) => (etcdOf(file)['endpoints'] = ['https://root:word@10.0.0.11:2379']), 'bad', 'bad'],
  ['no key', (file) => delete etcdOf(file)['key'], 'bad', 'bad'],
  ['hosts', (file) => (file['spec'].hosts = good()['spec'].hosts), 'bad', 'bad'],
  ['flags', (file) => (file['spec'].kubernetes = { apiServer: {} }), 'bad', 'bad'],
  ['an etcd that is not run', (file) => (file['spec'].etcd = { version: '3.5.21' }), 'good', 'bad'],
  ['an endpoint twice', (file) => (etcdOf(file)['endpoints'] = ['https://a:2379', 'https://A:2379/']), 'good', 'bad'],
];

describe('schema/cluster.json', () => {
  it('is what the code makes (npm run fix:schema writes it anew)', () => assert.equal(fileText, clusterSchemaText()));

  for (const [[title, edit, schema, parser], begin] of [...rows.map((row) => [row, good] as const), ...externalRows.map((row) => [row, external] as const)]) {
    it(`says ${schema} and validate says ${parser} to ${title}${begin === external ? ', of a cluster that kubekeep did not build' : ''}`, () => {
      const file = begin();
      edit(file);
      assert.equal(accepts(file) ? 'good' : 'bad', schema, JSON.stringify(accepts.errors));
      assert.equal(findProblems(stringify(file)).length === 0 ? 'good' : 'bad', parser);
    });
  }

  it('says in a sentence what each field is', () => {
    const walk = (schema: JsonSchema, path: string): void => {
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        assert.match(field.description ?? '', /^[A-Zk].*\.$/, `${path}.${name}`);
        walk(field, `${path}.${name}`);
        walk(field.items ?? {}, `${path}.${name}[]`);
      }
    };
    walk(clusterSchema(), '');
    walk(externalSchema(), '');
  });
});
