import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clusterOf } from '../../../test/support/seen-cluster.ts';
import { holdDrills } from '../../drills/hold-drills.ts';
import type { Lab } from '../../lab/lab.ts';
import { writeRecord } from '../../lab/registry.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Cli } from '../cli.ts';
import { openDrill } from './_open-drill.ts';

test('a drill beside another one in the same lab is refused before anything is touched', async () => {
  const runtimeFolder = await mkdtemp(join(tmpdir(), 'kubekeep-test-'));
  try {
    const cluster = clusterOf('T3');
    const hosts = cluster.hosts.map((host) => ({ ...host, ssh: { ...host.ssh, address: host.address } }));
    const lab = { name: 'test-two', machines: hosts.map(({ name, address }) => ({ name, address })) } as unknown as Lab;
    await writeRecord(runtimeFolder, { lab, state: 'ready', owns: [] });
    await using _ = await holdDrills(lab, runtimeFolder);
    const touched = new Proxy({ cluster: { ...cluster, hosts } }, { get: (has, part) => (part === 'cluster' ? has.cluster : assert.fail(`${String(part)} was used`)) });
    await assert.rejects(openDrill({ environment: { runtimeFolder } } as Cli, touched as unknown as Operation, [], () => 0, {}), { code: 'drill-refused', message: 'another drill is going on in lab test-two' });
  } finally {
    await rm(runtimeFolder, { recursive: true });
  }
});
