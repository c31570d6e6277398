import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import type { EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openBolt } from '../../src/bolt/bolt-file.ts';
import { hashKvOf, revisionsOf } from '../../src/bolt/key-space.ts';
import { etcdOf } from '../../src/operations/clients.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { expectZero, labCluster, startKubekeep, type LabCluster, type Running } from '../support/lab-cluster.ts';

const canary = 'canary-77c1e0';

describe('backups of a cluster', () => {
  let it3: LabCluster;
  const folder = () => dirname(it3.file);
  const repository = () => join(folder(), 'backups');
  const bases = async () => (JSON.parse((await expectZero(it3.run('backup', 'list', '--json'))).stdout) as { bases: readonly { number: number; revision: number; hashChecked: boolean; added: number; length: number }[] }).bases;

  const listed = async () => JSON.parse((await expectZero(it3.run('backup', 'list', '--json'))).stdout) as { bases: readonly { revision: number }[]; log: readonly { kind: string; first: number; last: number; member: string }[] };
  async function withEtcd<T>(name: string, ask: (client: EtcdClient) => Promise<T>): Promise<T> {
    const client = await etcdOf(it3.cluster.hosts.find((host) => host.name === name)!, it3.hosts.get(name)!, await it3.secrets(), Date.now());
    return ask(client).finally(() => client.close());
  }
  const revisionOf = (name: string) => withEtcd(name, async (client) => (await client.status()).revision);
  /** The last piece of the log, once it has the revision. */
  async function logReaches(revision: number) {
    const until = performance.now() + 60_000;
    for (;;) {
      const last = (await listed()).log.at(-1);
      if (last && last.last >= revision) return last;
      assert.ok(performance.now() < until, `the log is at ${last?.last} and not at ${revision} after a minute`);
      await systemClock.sleep(200);
    }
  }

  before(async () => {
    it3 = await labCluster('T3', 'test-backup');
    await expectZero(it3.run('apply', '--yes'));
    await it3.createNamespace(canary);
  });
  after(() => it3[Symbol.asyncDispose]());

  it('want a repository first, and make it once', async () => {
    const none = await it3.run('backup', 'run');
    assert.equal(none.code, 2, none.stderr);
    assert.match(none.stderr, /kubekeep backup init/);
    assert.match((await expectZero(it3.run('backup', 'init'))).stdout, /^repository [0-9a-f]{12} in .*backups/);
    const check = await it3.run('backup', 'check');
    assert.deepEqual({ code: check.code, said: check.stdout.trim() }, { code: 5, said: '- there is no base' });
    const again = await it3.run('backup', 'init');
    assert.equal(again.code, 3, again.stderr);
  });

  it('take a base that all members agree with; the next one is small', async () => {
    assert.match((await expectZero(it3.run('backup', 'run'))).stdout, /hash-checked with 3 of 3 members/);
    await apiThroughVip(await it3.reach(), (api) => api.post(`/api/v1/namespaces/${canary}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: canary }, stringData: { word: canary } }));
    await expectZero(it3.run('backup', 'run'));
    const [first, second] = await bases();
    assert.ok(first!.hashChecked && second!.hashChecked && second!.revision > first!.revision);
    assert.ok(second!.added < second!.length / 2, `${second!.added} of ${second!.length}`);
  });

  it('come from the members that are left, and say who was not reached', async () => {
    await it3.hosts.get('cp3')!.run('systemctl stop etcd');
    const { stdout } = await expectZero(it3.run('backup', 'run'));
    await it3.hosts.get('cp3')!.run('systemctl start etcd');
    assert.match(stdout, /hash-checked with 2 of 3 members/);
    await it3.healthy();
  });

  it('give the file back that etcdutl restores, without any host', async () => {
    await Promise.all([...it3.hosts.values()].map((host) => host.close()));
    const path = join(folder(), 'snap.db');
    const [first] = await bases();
    await expectZero(it3.run('restore', 'file', '--at', `base:${first!.number}`, '--to', path));
    const status = JSON.parse(execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'status', path, '--write-out', 'json'], { encoding: 'utf8' })) as { revision: number };
    assert.equal(status.revision, first!.revision);
    execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'restore', path, '--data-dir', join(folder(), 'restored')], { stdio: 'ignore' });
    assert.ok((await readFile(path)).includes(canary), 'the namespace is in it');
    const early = await it3.run('restore', 'file', '--at', 'revision:1', '--to', path);
    assert.equal(early.code, 2, early.stderr);
    assert.match(early.stderr, /the oldest base is of/);
  });

  it('follow every revision, through a follower that is killed, two at once, and a member that stops', async () => {
    const reach = await it3.reach();
    const configMap = (name: string) => apiThroughVip(reach, (api) => api.post(`/api/v1/namespaces/${canary}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { word: canary } }));
    /** Some may be refused or go unanswered while a member is away. */
    const write = async (name: string) => {
      let written = 0;
      for (let number = 0; number < 20; number++) written += await configMap(`${name}-${number}`).then(() => 1, () => 0);
      assert.ok(written >= 10, `${written} of 20 were written`);
    };
    const followers: Running[] = [];
    const follow = () => followers.push(startKubekeep(['backup', 'follow', '--file', it3.file]));
    try {
      follow();
      await write('first');
      await logReaches(await revisionOf('cp1'));
      followers[0]!.process.kill('SIGKILL');
      await write('second');
      follow();
      follow();
      await write('third');
      const { member } = await logReaches(await revisionOf('cp1'));
      await it3.hosts.get(member)!.run('systemctl stop etcd');
      const other = member === 'cp1' ? 'cp2' : 'cp1';
      await write('fourth');
      await logReaches(await revisionOf(other));
      await it3.hosts.get(member)!.run('systemctl start etcd');
      await it3.healthy();
    } finally {
      for (const { process } of followers) process.kill('SIGINT');
    }
    const outcomes = await Promise.all(followers.map(({ ended }) => ended));
    assert.deepEqual(outcomes.slice(1).map(({ code }) => code), [130, 130], JSON.stringify(outcomes));
    const { log, bases } = await listed();
    assert.equal(log.length, 1, JSON.stringify(log));
    assert.equal(log[0]!.kind, 'segment');
    const from = Math.max(...bases.map(({ revision }) => revision).filter((revision) => revision < log[0]!.first));
    assert.equal(log[0]!.first, from + 1);
    assert.match((await expectZero(it3.run('backup', 'check'))).stdout, /^newest point: revision \d+, \d+ s ago; newest base: .*\nnothing is wrong$/m);
  });

  it('give back any revision of the log, as the members had it', async () => {
    const { log: [range], bases } = await listed();
    const newest = Math.max(...bases.map(({ revision }) => revision));
    // Compacted every five minutes, which may be now: the later half is there for long enough.
    for (const revision of [Math.floor((newest + range!.last) / 2), range!.last - 1, range!.last]) {
      const path = join(folder(), `${revision}.db`);
      const { stdout } = await expectZero(it3.run('restore', 'file', '--at', `revision:${revision}`, '--to', path));
      assert.match(stdout, new RegExp(`revision ${revision}, captured 20.*${revision - newest} revisions of the log`));
      const told = await withEtcd('cp1', (client) => client.hashKv(revision));
      const bytes = await readFile(path);
      const file = openBolt({ size: bytes.length - 32, read: (offset, length) => bytes.subarray(offset, offset + length) });
      assert.equal(revisionsOf(file).current, revision);
      assert.equal(await hashKvOf(file, revision, told.compactRevision), told.hash, `revision ${revision}, compacted to ${told.compactRevision}`);
    }
    const later = await it3.run('restore', 'file', '--at', `revision:${range!.last + 100_000}`, '--to', join(folder(), 'never.db'));
    assert.equal(later.code, 2, later.stderr);
    assert.match(later.stderr, new RegExp(`revision ${range!.last} is the last one before that`));
  });

  it('show nothing of the cluster in the repository', async () => {
    const files = (await readdir(repository(), { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    assert.ok(files.length > 10);
    for (const file of files) assert.equal((await readFile(join(file.parentPath, file.name))).includes(canary), false, file.name);
  });

  it('refuse a repository that was put back to an older state, and an object that was changed', async () => {
    const entries = (await readdir(join(repository(), 'chain'))).sort();
    const last = join(repository(), 'chain', entries.at(-1)!);
    await rename(last, `${folder()}/aside`);
    const older = await it3.run('backup', 'list');
    assert.equal(older.code, 3, older.stderr);
    assert.match(older.stderr, /entry \d+ of its chain is gone/);
    await rename(`${folder()}/aside`, last);
    const [pack] = (await readdir(join(repository(), 'packs'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    const path = join(pack!.parentPath, pack!.name);
    const good = await readFile(path);
    const changed = Buffer.from(good);
    changed[100]! ^= 1;
    await writeFile(path, changed);
    const outcomes = await Promise.all((await bases()).map(({ number }) => it3.run('restore', 'file', '--at', `base:${number}`, '--to', join(folder(), `${number}.db`))));
    assert.ok(outcomes.some(({ code, stderr }) => code === 1 && stderr.includes(pack!.name)), JSON.stringify(outcomes));
    await writeFile(path, good);
    await expectZero(it3.run('restore', 'file', '--to', join(folder(), 'snap.db')));
  });

  it('cannot be read without the identity', async () => {
    const identity = join(folder(), '.kubekeep', it3.cluster.name, 'identity');
    await rename(identity, `${folder()}/identity`);
    const outcome = await it3.run('backup', 'list');
    assert.equal(outcome.code, 2, outcome.stderr);
    assert.match(outcome.stderr, /KUBEKEEP_IDENTITY/);
    await rename(`${folder()}/identity`, identity);
    await rm(join(folder(), 'restored'), { recursive: true });
  });
});
