import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { renderedHosts, type RenderedHost } from '../../../test/support/rendered-host.ts';
import { lockGuard } from '../../operations/lock.ts';
import type { Host } from '../../hosts/host.ts';
import { findFaults } from '../faults/catalogue.ts';
import { mutants } from './catalogue.ts';
import { lockWithoutFence } from './lock-without-fence.ts';

/** The files that each changes, on some host. */
const changes: Readonly<Record<string, readonly string[]>> = {
  M1: ['/etc/kubekeep/haproxy.cfg'],
  M2: ['/etc/kubekeep/haproxy.cfg', '/etc/kubekeep/lb-alive.sh'],
  M3: ['/etc/kubekeep/haproxy.cfg'],
  M4: ['/etc/kubekeep/haproxy-dead-or-draining.lua'],
  M5: ['/etc/kubekeep/vip-guard.pl', '/etc/systemd/system/kubekeep-keepalived.service'],
  M6: ['/etc/kubekeep/etcd.yaml'],
  M8: ['/etc/kubekeep/etcd.yaml'],
  M13: ['/etc/kubernetes/pki/sa.key', '/etc/kubernetes/pki/sa.pub'],
};

describe('a mutant', () => {
  let ours: readonly RenderedHost[];
  before(async () => {
    ours = await renderedHosts();
  });

  for (const mutant of mutants) {
    if (mutant.kind !== 'set-up') continue;
    it(`changes what it says and nothing else, and its fault exists (${mutant.id})`, async () => {
      const theirs = await renderedHosts({}, mutant.renderers);
      // Certificates, and what is made anew with each cluster's secrets, differ always.
      const secret = mutant.id === 'M13' ? /\.crt$|pki\/(?!sa\.).*\.key$|encryption|cluster\.json|sealed/ : /\.crt$|\.key$|\.pub$|encryption|cluster\.json|sealed/;
      const differing = new Set(theirs.flatMap((host, position) => [...host].filter(([path, { content }]) => !secret.test(path) && ours[position]!.get(path)?.content !== content).map(([path]) => path)));
      assert.deepEqual([...differing].sort(), changes[mutant.id]);
      assert.equal(findFaults([mutant.fault]).length, 1);
    });
  }

  it('has one API server sign with another key than the others (M13)', async () => {
    const mutant = mutants.find(({ id }) => id === 'M13')!;
    assert.ok(mutant.kind === 'set-up');
    const keys = (hosts: readonly RenderedHost[]) => new Set(hosts.map((host) => host.get('/etc/kubernetes/pki/sa.pub')!.content)).size;
    assert.deepEqual([keys(ours), keys(await renderedHosts({}, mutant.renderers))], [1, 2]);
  });

  it('takes the comparison out of a step, and nothing else (M14)', async () => {
    let seen = '';
    const host = { name: 'cp1', run: (script: string) => Promise.resolve((seen = script)) } as unknown as Host;
    const script = `${lockGuard('abc')}\necho done`;
    await lockWithoutFence.spoiled(new Map([['cp1', host]])).get('cp1')!.run(script);
    assert.deepEqual(script.split('\n').filter((line) => !seen.split('\n').includes(line)).map((line) => line.slice(0, 7)), ['grep -q']);
  });

  it('has a number of its own', () => assert.equal(new Set(mutants.map(({ id }) => id)).size, mutants.length));
});
