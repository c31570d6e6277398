import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startWriter } from '../../src/drills/writer.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { leavesFor } from '../../src/pki/leaves.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Balancing } from '../../src/operations/balancing/compare-balancers.ts';
import { expectZero, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { rollOut } from '../support/roll-out.ts';
import { openWatches, type Watches } from '../support/watches.ts';

describe('a cluster that serves', () => {
  let it3: LabCluster;
  before(async () => {
    it3 = await labCluster('T3', 'test-roll');
    await expectZero(it3.run('apply', '--yes'));
    await it3.createNamespace('roll');
  });
  after(() => it3[Symbol.asyncDispose]());

  it('loses no request out of 5,000 while a SAN and an API server flag are rolled out', async () => {
    const { applied, writes, failed } = await rollOut(it3, 'roll', 1);
    assert.equal(applied.code, 0, applied.stderr);
    assert.deepEqual(failed, []);
    assert.ok(writes >= 5000);
    assert.match((await expectZero(it3.run('plan'))).stdout, /0 changes/);
  });

  it('has an API server taken out and brought back by hand on all balancers that answer', async () => {
    const lb = async (code: number, ...args: string[]) => {
      const { stdout, stderr, ...ended } = await it3.run('lb', ...args, '--json');
      assert.equal(ended.code, code, stderr + stdout);
      const { balancing } = JSON.parse(stdout) as { balancing?: Balancing };
      return new Map(balancing?.servers.map(({ server, agree, on }) => [server, agree && on.length === 3 ? `${on[0]!.condition} ${on[0]!.byHand}` : JSON.stringify(on)]));
    };
    assert.equal((await lb(0, 'drain', 'cp2')).get('cp2'), 'drain drain');
    assert.deepEqual([...(await lb(0, 'list')).values()], ['up undefined', 'drain drain', 'up undefined']);
    await lb(3, 'drain', 'cp1', 'api/cp3');
    assert.equal((await lb(0, 'ready', 'cp2')).get('cp2'), 'up undefined');
    const cp2 = await it3.hosts.get('cp2')!.run('mv /run/kubekeep-haproxy/admin.sock /run/kubekeep-haproxy/other.sock');
    assert.equal(cp2.exitCode, 0, cp2.stderr);
    await lb(5, 'maint', 'cp1');
    await it3.hosts.get('cp2')!.run('mv /run/kubekeep-haproxy/other.sock /run/kubekeep-haproxy/admin.sock');
    assert.match((await lb(5, 'list')).get('cp1')!, /"maint".*"up"/);
    assert.equal((await lb(0, 'ready', 'cp1')).get('cp1'), 'up undefined');
  });

  it('cuts none of 500 watches while etcd has no leader for 10 s', async () => {
    const watches = await openWatches(await it3.target('roll'), 500);
    try {
      const two = it3.cluster.hosts.slice(1);
      await Promise.all(two.map(({ name }) => it3.hosts.get(name)!.run('systemctl kill -s KILL etcd; systemctl stop etcd')));
      await systemClock.sleep(10_000);
      await Promise.all(two.map(({ name }) => it3.hosts.get(name)!.run('systemctl start --no-block etcd')));
      await systemClock.sleep(8000);
      assert.equal(watches.cut.length, 0, await whyCut(it3, watches.cut));
      assert.equal(watches.open(), 500);
    } finally {
      watches.close();
    }
  });

  it('cuts no watch before the shutdown delay when an API server is restarted', async () => {
    const watches = await openWatches(await it3.target('roll'), 500);
    try {
      const began = performance.now();
      await it3.hosts.get('cp1')!.run('systemctl restart kube-apiserver', { timeout: 120_000 });
      const early = watches.cut.filter(({ at }) => at - began < 12_000);
      assert.equal(early.length, 0, await whyCut(it3, early));
    } finally {
      watches.close();
    }
  });

  it('takes out only the API server whose certificate has expired, names it, and mends it', async () => {
    const spec = it3.cluster.hosts[2]!;
    const { authorities } = await it3.secrets();
    const leaf = leavesFor(it3.cluster, spec).find(({ name }) => name === 'apiserver')!;
    const expired = await issueLeaf(leaf, authorities.kubernetes, { now: Date.now() - 400 * 86_400_000, days: 365 });
    const host = it3.hosts.get(spec.name)!;
    await host.write([
      { path: leaf.keyPath, mode: 0o600, content: expired.privateKey.reveal() },
      { path: leaf.certificatePath, mode: 0o644, content: expired.certificate },
    ]);
    const writer = startWriter(await it3.target('roll'), { rate: 20, clock: systemClock, run: 'expired' });
    await host.run('systemctl restart kube-apiserver', { timeout: 120_000 });
    await systemClock.sleep(8000);
    await writer.stop();
    assert.deepEqual(writer.writes.filter(({ outcome }) => outcome !== 'acknowledged').map(({ lane, object, outcome }) => ({ lane, object, outcome })), []);
    const status = await it3.run('status');
    assert.equal(status.code, 5);
    assert.match(status.stdout, /cp3.*expired/);
    await expectZero(it3.run('apply', '--yes'));
    await it3.healthy();
  });

  it('comes back where the certificates of all etcd members have run out and none accepts another', async () => {
    const { authorities } = await it3.secrets();
    await Promise.all(it3.cluster.hosts.map(async (spec) => {
      for (const leaf of leavesFor(it3.cluster, spec).filter(({ name }) => name === 'etcd-peer' || name === 'etcd-server')) {
        const { certificate, privateKey } = await issueLeaf(leaf, authorities[leaf.authority], { now: Date.now() - 400 * 86_400_000, days: 365 });
        await it3.hosts.get(spec.name)!.write([
          { path: leaf.keyPath, mode: 0o600, content: privateKey.reveal() },
          { path: leaf.certificatePath, mode: 0o644, content: certificate },
        ]);
      }
    }));
    await Promise.all([...it3.hosts.values()].map((host) => host.run('systemctl kill -s KILL etcd; systemctl restart --no-block etcd')));
    await systemClock.sleep(3000);
    assert.deepEqual([...(await it3.facts()).hosts.values()].map((found) => found.reachable && found.etcd.ready), [false, false, false]);
    const { stderr } = await expectZero(it3.run('apply', '--yes'));
    for (const { name } of it3.cluster.hosts) assert.match(stderr, new RegExp(`${name}.*etcd: restart`));
    await it3.healthy();
  });
});

/** When how many watches were cut, beside what the balancers say of it (seconds of the day). */
async function whyCut({ hosts }: LabCluster, cut: Watches['cut']): Promise<string> {
  if (cut.length === 0) return '';
  const time = (at: number) => new Date(performance.timeOrigin + at).toISOString().slice(11, 21);
  const count = Map.groupBy(cut, ({ at, why }) => `${time(at)} ${why}`);
  const said = await Promise.all([...hosts.values()].map((host) => host.run("journalctl --since=-60s -u kubekeep-haproxy -u kubekeep-keepalived -u kubekeep-vip-guard -o short-iso-precise | grep -E 'kubekeep:|Server |STATE|VIP' | tail -40 | cut -c12-200")));
  return [`${cut.length} watches were cut`, ...[...count].map(([when, { length }]) => `${when}: ${length}`), ...said.map(({ stdout }) => stdout)].join('\n');
}
