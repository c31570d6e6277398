import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cluster } from '../../test/support/example-cluster.ts';
import type { LabRecord } from '../lab/registry.ts';
import { thisLab } from './this-lab.ts';

const record = (machines: readonly { readonly name: string; readonly address: string }[]) => ({ lab: { name: 'a', machines }, state: 'ready', owns: [] }) as unknown as LabRecord;
const machines = cluster.hosts.map(({ name, address }) => ({ name, address }));
const hosts = cluster.hosts.map((host) => ({ ...host, ssh: { ...host.ssh, address: host.address } }));

test('a cluster whose hosts are all machines of a lab is that lab\'s', () => {
  assert.equal(thisLab({ ...cluster, hosts }, [record([]), record(machines)])?.name, 'a');
});

for (const [title, hostsOf] of [
  ['one host more', [...hosts, { ...hosts[0]!, name: 'cp9', address: '10.0.0.99' }]],
  ['the same names at other addresses', hosts.map((host) => ({ ...host, address: '192.0.2.1' }))],
  ['SSH to somewhere else', hosts.map((host) => ({ ...host, ssh: { ...host.ssh, address: '192.0.2.1' } }))],
] as const) {
  test(`a cluster with ${title} is no lab's`, () => {
    assert.equal(thisLab({ ...cluster, hosts: hostsOf }, [record(machines)]), undefined);
  });
}
