import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import type { EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openBolt } from '../../src/bolt/bolt-file.ts';
import { hashKvOf, revisionsOf } from '../../src/bolt/key-space.ts';
import type { VerdictBody } from '../../src/backup/verdicts.ts';
import { etcdOf } from '../../src/operations/clients.ts';
import { createIdentity, recipientOf, seal } from '../../src/pki/seal.ts';
import { createSecrets, publicAuthorities } from '../../src/pki/secrets.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { expectZero, kubekeep, labCluster, startKubekeep, type LabCluster, type Running } from '../support/lab-cluster.ts';

const canary = 'canary-77c1e0';

describe('backups of a cluster', () => {
  let it3: LabCluster;
  const folder = () => dirname(it3.file);
  const repository = () => join(folder(), 'backups');
  const bases = async () => (JSON.parse((await expectZero(it3.run('backup', 'list', '--json'))).stdout) as { bases: readonly { number: number; member: string; revision: number; hashChecked: boolean; added: number; length: number }[] }).bases;

  const listed = async () => JSON.parse((await expectZero(it3.run('backup', 'list', '--json'))).stdout) as { bases: readonly { revision: number }[]; log: readonly { kind: string; first: number; last: number; from: number; to: number; member: string }[] };
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
    let [first, second] = (await bases()).slice(-2);
    // Another member only where etcd has a new leader.
    for (let more = 0; more < 3 && first!.member !== second!.member; more++) {
      await expectZero(it3.run('backup', 'run'));
      [first, second] = (await bases()).slice(-2);
    }
    assert.ok(first!.hashChecked && second!.hashChecked && second!.revision > first!.revision);
    assert.equal(second!.member, first!.member);
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

  it('are held by restore verify: the newest point and one between are what the members had, and an API server reads all of it', async () => {
    const { log: [range] } = await listed();
    const between = new Date((range!.from + range!.to) / 2).toISOString();
    const objects: number[] = [];
    for (const at of ['latest', between]) {
      const outcome = await it3.run('restore', 'verify', '--at', at, '--json');
      const { verdict } = JSON.parse(outcome.stdout) as { verdict: VerdictBody };
      assert.deepEqual([outcome.code, verdict.outcome, verdict.problems, verdict.listed?.leftOut], [0, 'held', [], []], outcome.stderr);
      const equal = verdict.state!.members.filter((one) => one.verdict === 'equal');
      assert.ok(equal.length >= 2, JSON.stringify(verdict.state));
      objects.push(verdict.listed!.objects);
    }
    assert.ok(objects[0]! > objects[1]! && objects[1]! > 100, String(objects));
    assert.match((await expectZero(it3.run('backup', 'list'))).stdout, /REPLAYED(.|\n)* held +\d of 3 at \d+ /);
    await expectZero(it3.run('backup', 'check', '--rehearsed-within', '1h'));
    const { stdout } = await expectZero(it3.run('backup', 'verify', '--data', 'all'));
    assert.match(stdout, /^checked: bases \d+, .*\nnothing is wrong\n$/);
  });

  it('leave nothing of a replay behind that was killed', async () => {
    const state = join(folder(), '.kubekeep', it3.cluster.name);
    const processes = async () => {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
      return lines.filter((line) => line.includes(join(state, 'verify-')));
    };
    const until = async (there: () => Promise<boolean>, what: string) => {
      const end = performance.now() + 60_000;
      for (; !(await there()); await systemClock.sleep(50)) assert.ok(performance.now() < end, what);
    };
    const { process, ended } = startKubekeep(['restore', 'verify', '--file', it3.file]);
    await until(async () => (await processes()).some((line) => line.includes('kube-apiserver')), 'no API server was started');
    process.kill('SIGKILL');
    await ended;
    await until(async () => (await processes()).length === 0 && (await readdir(state)).every((name) => !name.startsWith('verify-')), 'something is left');
  });

  it('show nothing of the cluster in the repository', async () => {
    const files = (await readdir(repository(), { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    assert.ok(files.length > 10);
    const words = [canary, 'PRIVATE KEY', it3.cluster.endpoint.vip, (await it3.secrets()).encryptionKey.reveal()];
    for (const file of files) {
      const text = Buffer.concat([Buffer.from(`${file.name}\n`), await readFile(join(file.parentPath, file.name))]);
      for (const word of words) assert.equal(text.includes(word), false, `${word} in ${file.name}`);
    }
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

  const offline = () => join(folder(), 'offline');
  const prove = (identity: string, ...more: readonly string[]) => kubekeep('backup', 'keys', 'prove', '--identity', identity, ...more);
  const revoked = /does not open/;

  it('can be read by others from some time on, old ones included, and by fewer again, while they are written', async () => {
    const bob = await createIdentity();
    const bobs = join(folder(), 'bob');
    await writeFile(bobs, `${bob.identity.reveal()}\n`, { mode: 0o600 });
    const before = await prove(bobs, '--repository', repository());
    assert.equal(before.code, 2, before.stderr);
    assert.match(before.stderr, revoked);
    const follower = startKubekeep(['backup', 'follow', '--file', it3.file]);
    try {
      const note = async (name: string) => {
        await apiThroughVip(await it3.reach(), (api) => api.post(`/api/v1/namespaces/${canary}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { word: canary } }));
        return logReaches(await revisionOf('cp1'));
      };
      await note('before-bob');
      assert.match((await expectZero(it3.run('backup', 'keys', 'add', bob.recipient))).stdout, new RegExp(`^added ${bob.recipient}\n[1-9]\\d* keys were wrapped again\nWrite ${bob.recipient} into`));
      const { last } = await note('with-bob');
      const proof = await prove(bobs, '--repository', repository(), '--file', '/nowhere/cluster.yaml');
      assert.equal(proof.code, 0, proof.stdout + proof.stderr);
      const [, revision] = /this key alone brings back everything[^]*data: up to revision (\d+) [^]*keys of cluster /.exec(proof.stdout) ?? [];
      assert.ok(Number(revision) >= last, `${last}: ${proof.stdout}`);
      const unsure = await it3.run('backup', 'keys', 'remove', bob.recipient);
      assert.equal(unsure.code, 3, unsure.stderr);
      assert.match((await expectZero(it3.run('backup', 'keys', 'remove', bob.recipient, '--yes'))).stdout, /^removed age1.*\nWhat was written until now can still be read/);
      await note('without-bob');
    } finally {
      follower.process.kill('SIGINT');
    }
    assert.equal((await follower.ended).code, 130);
    assert.match((await prove(bobs, '--repository', repository())).stderr, revoked);
    await expectZero(it3.run('restore', 'file', '--to', join(folder(), 'snap.db')));
    assert.match((await expectZero(it3.run('backup', 'keys', 'list'))).stdout, /^RECIPIENT +READS +SINCE \(UTC\)\nage1\S+ +data, escrow +20.*\n$/);
  });

  it('bring everything back with the offline identity alone: the keys, the cluster file, and what was seen', async () => {
    const state = join(folder(), '.kubekeep', it3.cluster.name);
    const [before, text] = [await it3.secrets(), await readFile(it3.file, 'utf8')];
    await cp(join(state, 'identity'), offline());
    const token = await apiThroughVip(await it3.reach(), (api) => api.post<{ status: { token: string } }>(`/api/v1/namespaces/${canary}/serviceaccounts/default/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }));
    await expectZero(it3.run('backup', 'run'));
    const proof = await prove(offline(), '--file', it3.file);
    assert.equal(proof.code, 0, proof.stdout + proof.stderr);
    assert.match(proof.stdout, /and its cluster file, from base \d+ of 20.*: the API server of cp\d takes a certificate made with them\n/);
    await rename(join(folder(), '.kubekeep'), join(folder(), 'lost-state'));
    await rename(it3.file, join(folder(), 'lost.yaml'));
    const { stdout } = await expectZero(it3.run('restore', 'state', '--identity', offline(), '--repository', repository()));
    assert.match(stdout, new RegExp(`the keys of cluster ${it3.cluster.name} and of its repository, from base \\d+ of 20`));
    assert.equal(await readFile(it3.file, 'utf8'), text);
    const after_ = await it3.secrets();
    assert.deepEqual(publicAuthorities(after_), publicAuthorities(before));
    const status = await it3.run('status');
    assert.equal(status.code, 0, status.stdout + status.stderr);
    assert.equal((await it3.run('plan')).code, 0);
    await writeFile(join(folder(), 'kubeconfig'), (await expectZero(it3.run('kubeconfig'))).stdout, { mode: 0o600 });
    const { word, authenticated } = await apiThroughVip(await it3.reach(), async (api) => ({
      word: (await api.get<{ data: { word: string } }>(`/api/v1/namespaces/${canary}/secrets/${canary}`)).data.word,
      authenticated: (await api.post<{ status: { authenticated?: boolean } }>('/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: token.status.token } })).status.authenticated,
    }));
    assert.deepEqual([Buffer.from(word, 'base64').toString(), authenticated], [canary, true]);
    assert.match((await expectZero(it3.run('backup', 'run'))).stdout, /hash-checked with 3 of 3 members/);
    await expectZero(it3.run('restore', 'file', '--to', join(folder(), 'snap.db')));
    await expectZero(it3.run('apply', '--yes'));
  });

  it('are not put over other keys', async () => {
    const sealed = join(folder(), '.kubekeep', it3.cluster.name, 'secrets.age');
    const own = await readFile(sealed, 'utf8');
    const { identity } = await createIdentity();
    const other = new TextDecoder().decode(await seal(await createSecrets('other', Date.now()), [await recipientOf(identity)]));
    await writeFile(sealed, other);
    const refused = await it3.run('restore', 'state', '--identity', offline());
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /keys that this identity does not open, and nothing in it was changed/);
    assert.equal(await readFile(sealed, 'utf8'), other);
    await writeFile(sealed, own);
  });
});
