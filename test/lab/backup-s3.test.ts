import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseDocument } from 'yaml';
import { hashKvOf, revisionsOf } from '../../src/bolt/key-space.ts';
import { openBolt } from '../../src/bolt/bolt-file.ts';
import type { EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { etcdOf } from '../../src/operations/clients.ts';
import { reachable } from '../../src/operations/facts.ts';
import { carelessS3 } from '../support/careless-s3.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster, startKubekeep, type LabCluster, type Outcome } from '../support/lab-cluster.ts';
import { realS3, type RealS3 } from '../support/real-s3.ts';
import { startRelay, type Relay } from '../support/relay.ts';

const canary = 'canary-41d7aa';
const logins = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

describe('backups in a bucket', () => {
  let it3: LabCluster;
  let s3: RealS3;
  let relay: Relay;
  const said: Outcome[] = [];
  const run = async (...args: string[]) => {
    const outcome = await it3.run(...args);
    said.push(outcome);
    return outcome;
  };
  const path = (name: string) => join(dirname(it3.file), name);
  const endpoint = () => `https://${it3.lab.gateway}:${relay.port}`;
  const listed = async () => JSON.parse((await expectZero(run('backup', 'list', '--json'))).stdout) as { bases: readonly { number: number; revision: number }[]; log: readonly { kind: string; first: number; last: number }[] };
  async function withEtcd<T>(ask: (client: EtcdClient) => Promise<T>, host = 'cp1'): Promise<T> {
    const client = await etcdOf(it3.cluster.hosts.find(({ name }) => name === host)!, it3.hosts.get(host)!, await it3.secrets(), Date.now());
    return ask(client).finally(() => client.close());
  }
  const write = async (name: string) => {
    const reach = await it3.reach();
    for (let number = 0; number < 10; number++) await apiThroughVip(reach, (api) => api.post(`/api/v1/namespaces/${canary}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${name}-${number}` }, data: { word: canary } }));
  };
  const revision = () => withEtcd(async (client) => (await client.status()).revision);
  /** What a revision of the log is, and what etcd says of it. */
  async function comesBack(at: number, host?: string): Promise<void> {
    await expectZero(run('restore', 'file', '--at', `revision:${at}`, '--to', path('point.db')));
    const [file, told] = [openBolt(fileOf(await readFile(path('point.db')))), await withEtcd((client) => client.hashKv(at), host)];
    assert.equal(await hashKvOf(file, at, told.compactRevision), told.hash);
  }
  async function logReaches(wanted: number): Promise<void> {
    for (const until = performance.now() + 60_000; ; await systemClock.sleep(300)) {
      const last = (await listed()).log.at(-1)?.last;
      if (last !== undefined && last >= wanted) return;
      assert.ok(performance.now() < until, `the log is at ${last} and not at ${wanted} after a minute`);
    }
  }
  /** Writes where backups go into the cluster file. */
  async function storeIs(s3Options: object, more: object = {}): Promise<void> {
    const document = parseDocument(await readFile(it3.file, 'utf8'));
    document.setIn(['spec', 'backup'], { repository: 's3://backups/prod', bandwidth: '50MB/s', s3: s3Options, keep: { within: '1h', last: 1 }, ...more });
    await writeFile(it3.file, String(document));
  }

  before(async () => {
    it3 = await labCluster('T3', 'test-backup-s3');
    // The machines reach the store by this computer's address in their network.
    [s3] = await Promise.all([realS3([it3.lab.gateway]), expectZero(it3.run('apply', '--yes'))]);
    relay = await startRelay(Number(new URL(s3.endpoint).port), it3.lab.gateway);
    await s3.client.createBucket({ Bucket: 'backups' });
    Object.assign(process.env, s3.owner, { AWS_EC2_METADATA_DISABLED: 'true' });
    await it3.createNamespace(canary);
  });
  after(async () => {
    await it3[Symbol.asyncDispose]();
    relay.close();
    await s3[Symbol.asyncDispose]();
  });

  it('are not begun without credentials, without trust, or where a name can be written twice', async () => {
    await using careless = await carelessS3(s3);
    await storeIs({ endpoint: careless.endpoint });
    const twice = await run('backup', 'init');
    assert.deepEqual({ code: twice.code, ignored: careless.ignored() }, { code: 1, ignored: 2 }, twice.stderr);
    assert.match(twice.stderr, /s3:\/\/backups\/prod lets a name be written twice/);
    await storeIs({ endpoint: endpoint() });
    const untrusted = await run('backup', 'init');
    assert.match(untrusted.stderr, /does not come from an authority that is trusted.*[\s\S]*spec\.backup\.s3\.ca/);
    await storeIs({ endpoint: endpoint(), ca: s3.ca });
    for (const name of logins) delete process.env[name];
    const nobody = await run('backup', 'init');
    Object.assign(process.env, s3.owner);
    assert.match(nobody.stderr, /there are no credentials for S3[\s\S]*AWS_ACCESS_KEY_ID/);
    assert.deepEqual([untrusted.code, nobody.code], [1, 1]);
    assert.equal((await s3.client.listObjectsV2({ Bucket: 'backups' })).KeyCount, 0);
  });

  it('are made, and a base comes back', async () => {
    assert.match((await expectZero(run('backup', 'init'))).stdout, /^repository [0-9a-f]{12} in s3:\/\/backups\/prod/);
    assert.equal((await run('backup', 'init')).code, 3);
    await expectZero(run('backup', 'run'));
    const { bases: [base] } = await listed();
    await expectZero(run('restore', 'file', '--at', `base:${base!.number}`, '--to', path('base.db')));
    assert.equal(revisionsOf(openBolt(fileOf(await readFile(path('base.db'))))).current, base!.revision);
  });

  it('follow every revision while connections to the store are cut for eight seconds, and any of them comes back', async () => {
    const follower = startKubekeep(['backup', 'follow', '--file', it3.file]);
    try {
      await write('first');
      await logReaches(await revision());
      const cutter = setInterval(() => relay.cut(), 50);
      await write('second');
      await systemClock.sleep(8000);
      clearInterval(cutter);
      await write('third');
      await logReaches(await revision());
    } finally {
      follower.process.kill('SIGINT');
    }
    const outcome = await follower.ended;
    said.push(outcome);
    assert.equal(outcome.code, 130, outcome.stderr);
    const { log, bases } = await listed();
    assert.deepEqual(log.map(({ kind, first }) => ({ kind, first })), [{ kind: 'segment', first: bases[0]!.revision + 1 }]);
    assert.match((await expectZero(run('backup', 'check'))).stdout, /^newest point: revision \d+, .*\nnothing is wrong\n$/);
    await expectZero(run('backup', 'prune'));
    await comesBack(log[0]!.last - 5);
  });

  const on = async (host: string, script: string) => {
    const { exitCode, stdout, stderr } = await it3.hosts.get(host)!.run(script);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const unit = 'kubekeep-keeper.service';
  /** The host whose follower writes, once all that run have opened the repository. */
  async function leader(): Promise<string> {
    for (const until = performance.now() + 60_000; ; await systemClock.sleep(500)) {
      const hosts = [...(await it3.facts()).hosts].map(([name, found]) => ({ name, running: reachable(found) && found.units.get(unit)?.active === 'active', follower: reachable(found) ? found.follower : undefined }));
      const leads = hosts.find(({ follower }) => follower?.leads);
      if (leads && hosts.every(({ running, follower }) => !running || follower)) return leads.name;
      assert.ok(performance.now() < until, JSON.stringify(hosts));
    }
  }

  it('are followed by services on the hosts, which get nothing that opens what was stored before', async () => {
    await writeFile(path('hosts.credentials'), `[default]\naws_access_key_id = ${s3.owner.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${s3.owner.AWS_SECRET_ACCESS_KEY}\n`, { mode: 0o600 });
    await storeIs({ endpoint: endpoint(), ca: s3.ca, hostCredentials: 'hosts.credentials' }, { follow: 'hosts' });
    await expectZero(run('apply', '--yes'));
    assert.match((await expectZero(run('plan'))).stdout, /0 changes/);
    await write('fourth');
    await logReaches(await revision());
    await leader();
    const [, stated] = /`kubekeep-keeper\.service` \| kubekeep \| none \| ([\d.]+)/.exec(readFileSync(fromRepository('docs/reference/hardening.md'), 'utf8')) ?? [];
    await Promise.all([...it3.hosts.keys()].map(async (host) => {
      const seen = await on(host, `p=$(systemctl show -p MainPID --value ${unit}); tr '\\0' '\\n' < /proc/$p/environ; tr '\\0' ' ' < /proc/$p/cmdline; echo; ps -o user= -p $p; systemctl show ${unit}; cat /etc/systemd/system/${unit}; journalctl -u ${unit} --no-pager`);
      assert.match(seen, /backup follow .*\nkubekeep\n/);
      assert.doesNotMatch(seen, /canary-owner|PRIVATE KEY|operation not permitted|permission denied/i);
      assert.equal(await on(host, `grep -lr AGE-SECRET-KEY /etc/kubekeep /var/lib/kubekeep-keeper /run/credentials/${unit}; stat -c '%a %U' /etc/kubekeep/keeper-writer.json /etc/kubekeep/keeper-s3 /etc/kubernetes/pki/etcd/keeper-client.key | sort -u`), '600 root');
      const level = await on(host, `systemd-analyze security --no-pager ${unit} | sed -n 's/.*exposure level for.*: \\([0-9.]*\\).*/\\1/p'`);
      assert.ok(Number(level) <= Number(stated), `${level}, stated ${stated}`);
    }));
  });

  it('go on without a hole when the follower that leads is stopped, which status says and apply mends', async () => {
    const first = await leader();
    const before = await revision();
    await on(first, `systemctl stop ${unit}`);
    await write('fifth');
    await logReaches(await revision());
    const second = await leader();
    assert.notEqual(second, first);
    assert.deepEqual((await listed()).log.map(({ kind }) => kind), ['segment']);
    assert.ok((await listed()).log[0]!.last > before);
    const status = await run('status');
    assert.deepEqual({ code: status.code, said: status.stdout.includes(`keeper on ${first} is stopped`) }, { code: 5, said: true }, status.stdout);
    await expectZero(run('apply', '--yes'));
    await leader();
    assert.match((await expectZero(run('backup', 'check'))).stdout, /nothing is wrong/);
  });

  it('go on without a hole when the host of the follower that leads loses its power: another one takes over', async () => {
    const first = await leader();
    const other = it3.cluster.hosts.find(({ name }) => name !== first)!.name;
    let [off, acknowledged] = [0, 0];
    await withEtcd(async (client) => {
      await powerOff(it3.lab, first);
      off = performance.now();
      for (let number = 0; number < 20; await systemClock.sleep(100)) {
        const change = { key: Buffer.from(`/test/power-${number}`), value: Buffer.from(canary), lease: 0n };
        // It may have led etcd too.
        const done = await client.commit([change], { deadline: 1000 }).catch((error: unknown) => assert.ok(performance.now() - off < 30_000, String(error)));
        if (done) [acknowledged, number] = [done, number + 1];
      }
    }, other);
    await logReaches(acknowledged);
    const took = Math.round(performance.now() - off);
    // It is to take ten.
    assert.ok(took < 50_000, `${took} ms`);
    assert.deepEqual((await listed()).log.map(({ kind }) => kind), ['segment']);
    await comesBack(acknowledged, other);
    assert.notEqual(await leader(), first);
    await powerOn(it3.lab, first);
    await it3.healthy();
    await leader();
    assert.match((await expectZero(run('backup', 'check'))).stdout, /nothing is wrong/);
  });

  it('leave nothing on the hosts when the cluster file does not want them there any more, and their keys do not count then', async () => {
    const kept = await on('cp1', 'cat /etc/kubekeep/keeper-writer.json');
    await storeIs({ endpoint: endpoint(), ca: s3.ca });
    await expectZero(run('apply', '--yes'));
    assert.match((await expectZero(run('plan'))).stdout, /0 changes/);
    for (const host of it3.hosts.keys()) assert.equal(await on(host, `ls -d /opt/kubekeep/keeper /etc/kubekeep/keeper* /etc/kubernetes/pki/etcd/keeper* /var/lib/kubekeep-keeper /etc/systemd/system/${unit} 2>/dev/null || true`), '', host);
    await writeFile(path('writer.json'), kept, { mode: 0o600 });
    const revoked = await run('backup', 'follow', '--writer', path('writer.json'));
    assert.equal(revoked.code, 3, revoked.stderr);
    assert.match(revoked.stderr, /may not add an entry/);
  });

  it('show no key of the store in what is said, and nothing of the cluster in the bucket', async () => {
    for (const { stdout, stderr } of said) assert.doesNotMatch(stdout + stderr, /canary-owner/);
    const { Contents = [] } = await s3.client.listObjectsV2({ Bucket: 'backups' });
    assert.ok(Contents.length > 10);
    for (const { Key } of Contents) {
      const { Body } = await s3.client.getObject({ Bucket: 'backups', Key });
      assert.equal(Buffer.from(await Body!.transformToByteArray()).includes(canary), false, Key);
    }
  });
});

/** What stands in a snapshot before its hash. */
function fileOf(bytes: Buffer) {
  return { size: bytes.length - 32, read: (offset: number, length: number) => bytes.subarray(offset, offset + length) };
}
