import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createRepository, openRepository } from '../../src/backup/repository.ts';
import { newOwnerKeys } from '../../src/backup/repository-keys.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import { exampleClusterFile } from '../../src/cluster/example-file.ts';
import { parseClusterFile } from '../../src/cluster/parse-cluster-file.ts';
import { bundleOf } from '../../src/operations/backup/cluster-bundle.ts';
import { keepKeys } from '../../src/operations/backup/open-backup.ts';
import { openKeptSecrets, saveSecrets, sealTo, stateFolder } from '../../src/operations/state.ts';
import { createIdentity, type Identity } from '../../src/pki/seal.ts';
import { createSecrets, publicAuthorities, type ClusterSecrets } from '../../src/pki/secrets.ts';
import { emptyBase } from '../support/backup-repository.ts';
import { now } from '../support/example-cluster.ts';
import { expectZero, kubekeep } from '../support/lab-cluster.ts';

/** The commands that need no host, by the real command line. */
describe('backup keys and restore state', () => {
  let folder: string;
  let own: Identity;
  let ann: Identity;
  let secrets: ClusterSecrets;
  const keys = newOwnerKeys();
  const file = () => join(folder, 'cluster.yaml');
  const place = () => join(folder, 'backups');
  const state = () => stateFolder(folder, 'prod');
  const run = (...args: readonly string[]) => kubekeep(...args, '--file', file());
  const proveAnn = () => kubekeep('backup', 'keys', 'prove', '--identity', join(folder, 'ann'), '--repository', place(), '--file', '/nowhere/cluster.yaml');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-commands-'));
    [own, ann, secrets] = [await createIdentity(), await createIdentity(), await createSecrets('prod', now)];
    await writeFile(join(folder, 'ann'), ann.identity.reveal(), { mode: 0o600 });
    await writeFile(file(), exampleClusterFile({ name: 'prod', vip: '198.18.250.100/24', hosts: [{ name: 'cp1', address: '198.18.250.11' }], backup: { repository: 'backups' } }));
    const sealed = await sealTo(secrets, own.identity);
    await saveSecrets(state(), { secrets, sealed, identity: own.identity, from: 'new' });
    await keepKeys(state(), keys, own.recipient);
    const store = folderStore(place());
    await createRepository(store, [own.recipient], { keys, begun: false, keep: async () => {}, now: Date.UTC(2026, 10, 25) });
    const cluster = parseClusterFile(await readFile(file(), 'utf8'), { file: file(), directory: folder, home: folder });
    await emptyBase(await openRepository(store, keys), keys, { bundle: await bundleOf({ cluster, file: file(), state: state() }, { secrets, sealed }, keys) });
  });
  after(() => rm(folder, { recursive: true }));

  it('list who reads what since when, let others read it and take it away again', async () => {
    assert.match((await expectZero(run('backup', 'keys', 'list'))).stdout, new RegExp(`^RECIPIENT +READS +SINCE \\(UTC\\)\n${own.recipient} +data, escrow +2026-11-25 00:00\n$`));
    assert.match((await expectZero(run('backup', 'keys', 'add'))).stdout, /^nobody was added/);
    assert.equal((await proveAnn()).code, 2);
    assert.match((await expectZero(run('backup', 'keys', 'add', ann.recipient, '--for', 'escrow'))).stdout, /^added .*\n1 key was wrapped again\nWrite age1.* into spec\.backup/);
    const part = await proveAnn();
    assert.equal(part.code, 5, part.stderr);
    assert.match(part.stdout, /does not bring back everything[^]*keys of cluster prod .*and its cluster file,[^]*- it is not one of those that data is written for/);
    await expectZero(run('backup', 'keys', 'add', ann.recipient, '--for', 'both'));
    const listed = JSON.parse((await expectZero(run('backup', 'keys', 'list', '--json'))).stdout) as { generation: number; recipients: readonly object[] };
    assert.equal(listed.generation, 3);
    assert.deepEqual(listed.recipients.map((one) => ({ ...one, since: undefined })), [own, ann].map(({ recipient }) => ({ recipient, data: true, escrow: true, since: undefined })));
    const unsure = await run('backup', 'keys', 'remove');
    assert.deepEqual([unsure.code, unsure.stderr.includes('--yes')], [3, true], unsure.stderr);
    assert.match((await expectZero(run('backup', 'keys', 'remove', '--yes'))).stdout, new RegExp(`^removed ${ann.recipient}\nWhat was written until now can still be read by who kept its keys`));
    const gone = await proveAnn();
    assert.deepEqual([gone.code, /does not open keys\/4\.age/.test(gone.stderr)], [2, true], gone.stderr);
  });

  it('refuse to lock this computer out, and an identity where a recipient belongs, which they do not repeat', async () => {
    const out = await run('backup', 'keys', 'remove', own.recipient, '--yes');
    assert.deepEqual([out.code, out.stderr.includes('kubekeep itself reads with')], [2, true], out.stderr);
    for (const [word, said] of [[ann.identity.reveal(), /an identity was given in place of a recipient/], ['age1typo', /An age recipient starts with age1/]] as const) {
      const wrong = await run('backup', 'keys', 'add', word);
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, said);
      assert.equal((wrong.stdout + wrong.stderr).includes('AGE-SECRET-KEY'), false);
    }
  });

  it('bring file and folder back where both are gone, warn of an identity that others can read, and name what they need', async () => {
    const text = await readFile(file(), 'utf8');
    const identity = join(folder, 'offline');
    await rename(join(state().path, 'identity'), identity);
    await rename(join(folder, '.kubekeep'), join(folder, 'lost'));
    await rm(file());
    const bare = await run('restore', 'state', '--identity', identity);
    assert.deepEqual([bare.code, bare.stderr.includes('--repository')], [2, true], bare.stderr);
    assert.match((await run('restore', 'state', '--repository', place())).stderr, /no identity was named/);
    const wrong = await run('restore', 'state', '--repository', place(), '--identity', join(folder, 'ann'));
    assert.equal(wrong.code, 2, wrong.stderr);
    assert.equal(existsSync(file()) || existsSync(state().path), false);
    await chmod(identity, 0o644);
    const { stdout, stderr } = await expectZero(run('restore', 'state', '--repository', place(), '--identity', identity));
    assert.match(stderr, /others on this computer can read .*offline/);
    assert.match(stdout, new RegExp(`from base 3 of 20[^]*owner ${keys.ownerKey}`));
    assert.equal(await readFile(file(), 'utf8'), text);
    const opened = await openKeptSecrets(state(), { cluster: 'prod', identityFile: undefined });
    assert.deepEqual(publicAuthorities(opened!.secrets), publicAuthorities(secrets));
    await expectZero(run('backup', 'list'));
    await expectZero(run('backup', 'keys', 'add'));
    await expectZero(run('restore', 'state', '--identity', identity));
  });
});
