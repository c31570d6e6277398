import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { aService } from '../../test/support/example-cluster.ts';
import { builtCluster, withHost, withoutHost, type SeenCluster } from '../../test/support/seen-cluster.ts';
import type { Operation } from './operation.ts';
import { refuseTakenVips, takenScript, vipAsker, vipsToAskFor } from './refuse-taken-vips.ts';

const built = await builtCluster('T3');
const cluster = { ...built.cluster, services: ['10.0.0.101', '10.0.0.102'].map((vip, position) => aService({ name: `s${position}`, listen: { vip, port: 80 } })) };
const keeps = (seen: SeenCluster, name: string, ...vips: readonly string[]) => withHost(seen, name, ({ files, addresses }) => ({
  files: new Map([...files, ['/etc/systemd/system/kubekeep-service-vips.service', { sha256: '', mode: 0o644, owner: 'root:root' }]]),
  addresses: [...addresses, ...vips.map((address) => ({ interface: 'eth0', address, prefix: 32 }))],
}));

describe('VIPs of services that a machine may have already', () => {
  const cases: readonly (readonly [title: string, seen: SeenCluster, vips: readonly string[], asker: string | undefined])[] = [
    ['all are asked for before any was put on a balancer, an address that a balancer has by itself included', withHost(built, 'cp2', ({ addresses }) => ({ addresses: [...addresses, { interface: 'eth0', address: '10.0.0.101', prefix: 24 }] })), ['10.0.0.101', '10.0.0.102'], 'cp1'],
    ['those that a balancer holds are ours; one that has some is asked', keeps(built, 'cp2', '10.0.0.101'), ['10.0.0.102'], 'cp2'],
    ['one that a balancer has beside ours by itself is asked for', withHost(keeps(built, 'cp2', '10.0.0.101'), 'cp2', ({ addresses }) => ({ addresses: [...addresses, { interface: 'eth0', address: '10.0.0.102', prefix: 24 }] })), ['10.0.0.102'], 'cp2'],
    ['a balancer that is away asks nobody', withoutHost(built, 'cp1'), ['10.0.0.101', '10.0.0.102'], 'cp2'],
    ['nobody can be asked where none answers', withoutHost(withoutHost(withoutHost(built, 'cp1'), 'cp2'), 'cp3'), ['10.0.0.101', '10.0.0.102'], undefined],
  ];
  for (const [title, { facts }, vips, asker] of cases) test(title, () => assert.deepEqual([vipsToAskFor(cluster, facts), vipAsker(cluster, facts)], [vips, asker]));

  const ask = (answers: readonly string[]) => {
    const run = async (script: string) => ({ stdout: answers.some((vip) => script.includes(`a='${vip}'`) || script.includes(`a=${vip}`)) ? 'answers\n' : '' });
    return refuseTakenVips({ cluster, hosts: new Map([['cp1', { run }]]), signal: new AbortController().signal } as unknown as Operation, built.facts);
  };
  test('are refused where a machine answers, with the service', () => assert.rejects(ask(['10.0.0.102']), { code: 'host-unfit', message: '10.0.0.102, the VIP of service s1, is in use: a machine answers there' }));
  test('are free where none does', () => ask([]));

  test('one that keepalived was told of is not asked for: it may be on its way from one balancer to another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kubekeep-test-vips-'));
    try {
      await writeFile(join(folder, 'keepalived.conf'), '    virtual_ipaddress {\n        127.0.0.1/32\n    }\n');
      const said = (vip: string) => execFileSync('sh', ['-c', takenScript(vip, join(folder, 'keepalived.conf'))], { encoding: 'utf8' });
      assert.deepEqual([said('127.0.0.1'), said('127.0.0.10')], ['', 'answers\n']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
