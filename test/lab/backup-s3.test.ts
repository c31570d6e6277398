import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseDocument } from 'yaml';
import { hashKvOf, revisionsOf } from '../../src/bolt/key-space.ts';
import { openBolt } from '../../src/bolt/bolt-file.ts';
import type { EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { etcdOf } from '../../src/operations/clients.ts';
import { carelessS3 } from '../support/careless-s3.ts';
import { expectZero, labCluster, startKubekeep, type LabCluster, type Outcome } from '../support/lab-cluster.ts';
import { realS3, type RealS3 } from '../support/real-s3.ts';
import { startRelay, type Relay } from '../support/relay.ts';

const canary = 'canary-41d7aa';
const logins = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

describe('backups in a bucket', () => {
  let it1: LabCluster;
  let s3: RealS3;
  let relay: Relay;
  const said: Outcome[] = [];
  const run = async (...args: string[]) => {
    const outcome = await it1.run(...args);
    said.push(outcome);
    return outcome;
  };
  const path = (name: string) => join(dirname(it1.file), name);
  const endpoint = () => `https://127.0.0.1:${relay.port}`;
  const listed = async () => JSON.parse((await expectZero(run('backup', 'list', '--json'))).stdout) as { bases: readonly { number: number; revision: number }[]; log: readonly { kind: string; first: number; last: number }[] };
  async function withEtcd<T>(ask: (client: EtcdClient) => Promise<T>): Promise<T> {
    const client = await etcdOf(it1.cluster.hosts[0]!, it1.hosts.get('cp1')!, await it1.secrets(), Date.now());
    return ask(client).finally(() => client.close());
  }
  const write = async (name: string) => {
    const reach = await it1.reach();
    for (let number = 0; number < 10; number++) await apiThroughVip(reach, (api) => api.post(`/api/v1/namespaces/${canary}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${name}-${number}` }, data: { word: canary } }));
  };
  const revision = () => withEtcd(async (client) => (await client.status()).revision);
  async function logReaches(wanted: number): Promise<void> {
    for (const until = performance.now() + 60_000; ; await systemClock.sleep(300)) {
      const last = (await listed()).log.at(-1)?.last;
      if (last !== undefined && last >= wanted) return;
      assert.ok(performance.now() < until, `the log is at ${last} and not at ${wanted} after a minute`);
    }
  }
  /** Writes where backups go into the cluster file. */
  async function storeIs(s3Options: object): Promise<void> {
    const document = parseDocument(await readFile(it1.file, 'utf8'));
    document.setIn(['spec', 'backup'], { repository: 's3://backups/prod', bandwidth: '50MB/s', s3: s3Options, keep: { within: '1h', last: 1 } });
    await writeFile(it1.file, String(document));
  }

  before(async () => {
    s3 = await realS3();
    relay = await startRelay(Number(new URL(s3.endpoint).port));
    await s3.client.createBucket({ Bucket: 'backups' });
    Object.assign(process.env, s3.owner, { AWS_EC2_METADATA_DISABLED: 'true' });
    it1 = await labCluster('T1', 'test-backup-s3');
    await expectZero(it1.run('apply', '--yes'));
    await it1.createNamespace(canary);
  });
  after(async () => {
    await it1[Symbol.asyncDispose]();
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
    const follower = startKubekeep(['backup', 'follow', '--file', it1.file]);
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
    // One member has nobody to be compared with, which is nothing wrong.
    assert.match((await expectZero(run('backup', 'check'))).stdout, /^newest point: revision \d+, .*\nnothing is wrong\n$/);
    await expectZero(run('backup', 'prune'));
    const at = log[0]!.last - 5;
    await expectZero(run('restore', 'file', '--at', `revision:${at}`, '--to', path('point.db')));
    const [file, told] = [openBolt(fileOf(await readFile(path('point.db')))), await withEtcd((client) => client.hashKv(at))];
    assert.equal(await hashKvOf(file, at, told.compactRevision), told.hash);
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
