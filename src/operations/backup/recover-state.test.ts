import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity } from 'age-encryption';
import { emptyBase, madeRepository, type MadeRepository } from '../../../test/support/backup-repository.ts';
import { cluster, now } from '../../../test/support/example-cluster.ts';
import { findProblems } from '../../cluster/parse-cluster-file.ts';
import { folderStore } from '../../backup/store/folder-store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { bundleToJson } from '../../pki/secrets-text.ts';
import { createSecrets, type ClusterSecrets } from '../../pki/secrets.ts';
import { openKeptSecrets, saveSecrets, sealTo, stateFolder } from '../state.ts';
import { bundleOf } from './cluster-bundle.ts';
import { keptClusterFile } from './kept-cluster-file.ts';
import { keepKeys, keptKeys, openToWrite, readSeen } from './open-backup.ts';
import { recoverState } from './recover-state.ts';

describe('the state of an operator who has lost everything but an identity', () => {
  let folder: string;
  let made: MadeRepository;
  let secrets: ClusterSecrets;
  /** As the hosts have it. */
  let sealed: string;
  let count = 0;
  const file = () => join(folder, 'cluster.yaml');
  const identityFile = () => join(folder, 'offline');
  const store = () => folderStore(made.folder);
  const newState = () => stateFolder(join(folder, `operator-${++count}`), cluster.name);
  const recover = (state: ReturnType<typeof newState>) => recoverState({ state, identityFile: identityFile() }, store());

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-recover-'));
    [made, secrets] = [await madeRepository(), await createSecrets(cluster.name, now)];
    await writeFile(identityFile(), `# offline\r\n${made.identity.reveal()}\r\n`, { mode: 0o600 });
    await writeFile(file(), 'kind: Cluster # as it was\n');
    await writeFile(join(folder, 'known_hosts'), 'cp1 ssh-ed25519 AAAA\n');
    const repository = await made.open();
    const opened = await kept(secrets, made.identity);
    sealed = opened.sealed;
    await emptyBase(repository, made.keys, { bundle: await bundleOf({ cluster, file: file(), state: { knownHosts: join(folder, 'known_hosts') } }, opened, made.keys) });
    await emptyBase(repository, made.keys);
  });
  after(async () => {
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('comes back from repository and identity: keys, host keys, the power to write, and what was seen', async () => {
    const state = newState();
    const { base, owner } = await recover(state);
    assert.deepEqual([base.number, owner], [3, made.keys.ownerKey]);
    assert.deepEqual((await readdir(state.path)).sort(), ['identity', 'known_hosts', 'repository-seen.json', 'repository.age', 'secrets.age']);
    for (const name of await readdir(state.path)) assert.equal((await stat(join(state.path, name))).mode & 0o777, 0o600, name);
    // Without the file that was given: as every command later.
    const opened = await openKeptSecrets(state, { cluster: cluster.name, identityFile: undefined });
    assert.equal(bundleToJson(opened!.secrets), bundleToJson(secrets));
    assert.equal(opened!.sealed, sealed, 'apply has nothing to do');
    assert.equal(await readFile(state.knownHosts, 'utf8'), 'cp1 ssh-ed25519 AAAA\n');
    assert.equal((await readSeen(state))!.number, 4);
    const { repository, keys } = await openToWrite({ state, identityFile: undefined }, store());
    await emptyBase(repository, keys);
    assert.equal(await keptClusterFile(store(), made.identity), 'kind: Cluster # as it was\n');
    for (const name of ['identity', 'known_hosts', 'secrets.age', 'repository.age']) assert.equal((await readFile(join(state.path, name), 'utf8')).includes('PRIVATE KEY'), false, name);
  });

  it('is not written before somebody has accepted the owner, who is not asked for where the state knows it', async () => {
    const state = newState();
    const asked: string[] = [];
    const recovering = (accept: boolean) => recoverState({ state, identityFile: identityFile() }, store(), async (owner) => {
      asked.push(owner);
      if (!accept) throw new KubekeepError('needs-confirmation', 'no');
    });
    await assert.rejects(recovering(false), { code: 'needs-confirmation' });
    assert.equal(existsSync(state.path), false);
    await recovering(true);
    await rm(join(state.path, 'secrets.age'));
    await recovering(false);
    assert.deepEqual(asked, [made.keys.ownerKey, made.keys.ownerKey]);
  });

  it('is completed where a part is there, from whatever point on, and not made anew', async () => {
    const whole = newState();
    await recover(whole);
    const names = await readdir(whole.path);
    for (let kept = 0; kept < 2 ** names.length; kept++) {
      const state = newState();
      await mkdir(state.path, { recursive: true });
      const there = names.filter((_, bit) => kept & (1 << bit));
      for (const name of there) await cp(join(whole.path, name), join(state.path, name));
      await recover(state);
      assert.deepEqual((await readdir(state.path)).sort(), names.toSorted(), String(there));
      for (const name of there) assert.equal(await readFile(join(state.path, name), 'utf8'), await readFile(join(whole.path, name), 'utf8'), name);
    }
  });

  const others: readonly (readonly [string, RegExp, (state: ReturnType<typeof newState>) => Promise<void>])[] = [
    ['other keys', /other keys than the repository/, async (state) => saveSecrets(state, await kept(await createSecrets(cluster.name, now), made.identity))],
    ['keys for another identity', /another identity than the one that was given/, async (state) => saveSecrets(state, await kept(secrets, new Secret(await generateX25519Identity())))],
    ['keys that do not open', /keys that this identity does not open/, async (state) => {
      await saveSecrets(state, await kept(secrets, new Secret(await generateX25519Identity())));
      await rm(join(state.path, 'identity'));
    }],
    ['the keys of another repository', /the keys of another repository/, async (state) => {
      await using other = await madeRepository();
      await keepKeys(state, other.keys, (await made.open()).recipients.recipients[0]!);
    }],
  ];
  for (const [title, message, before_] of others) {
    it(`is not mixed with ${title}`, async () => {
      const state = newState();
      await before_(state);
      const before = await contents(state.path);
      await assert.rejects(recover(state), { code: 'state-broken', message });
      assert.deepEqual(await contents(state.path), before);
    });
  }

  it('is not taken from a bundle that another writer made up, nor from a repository without one', async () => {
    await using other = await madeRepository();
    await writeFile(join(folder, 'other'), other.identity.reveal());
    const state = newState();
    const recovered = () => recoverState({ state, identityFile: join(folder, 'other') }, folderStore(other.folder));
    await emptyBase(await other.open(), other.keys);
    await assert.rejects(recovered(), { code: 'point-missing', message: /no base in .* has the keys of the cluster beside it/ });
    for (const keys of [{ ...other.keys, owner: made.keys.owner }, { ...other.keys, repository: made.keys.repository }]) {
      await emptyBase(await other.open(), other.keys, { bundle: await bundleOf({ cluster, state: { knownHosts: '/nowhere' } }, await kept(secrets, made.identity), keys) });
      await assert.rejects(recovered(), { code: 'repository-mismatch', message: /those of another repository/ });
    }
    assert.equal(existsSync(state.path), false);
    assert.ok(await keptKeys(state, other.identity) === undefined);
  });

  // There are no files in a bundle, and no names of files: one text with a few fields, each of which goes to a place that the reader knows.
  it('has nothing but its own files, whatever a bundle says of others', async () => {
    await using other = await madeRepository({ identity: made.identity });
    const good = JSON.parse(Buffer.from(await bundleOf({ cluster, file: file(), state: { knownHosts: join(folder, 'known_hosts') } }, await kept(secrets, made.identity), other.keys)).toString()) as object;
    const evil = { '../../outside': 'x', '/outside': 'x', files: [{ path: '../outside', content: 'x', mode: '4755', link: '/etc/passwd' }], cluster: '../../outside', knownHosts: '../../outside\n', clusterFile: 'metadata: { name: ../../outside }\n' };
    await emptyBase(await other.open(), other.keys, { bundle: Buffer.from(JSON.stringify({ ...good, ...evil })) });
    const before = (await readdir(folder)).sort();
    const state = newState();
    await recoverState({ state, identityFile: identityFile() }, folderStore(other.folder));
    assert.deepEqual((await readdir(state.path)).sort(), ['identity', 'known_hosts', 'repository-seen.json', 'repository.age', 'secrets.age']);
    for (const name of await readdir(state.path)) assert.equal((await stat(join(state.path, name))).mode & 0o7777, 0o600, name);
    assert.deepEqual((await readdir(folder)).sort(), [...before, `operator-${count}`].sort());
    assert.deepEqual((await readdir(join(folder, `operator-${count}`, '.kubekeep'))).sort(), ['.gitignore', cluster.name]);
    // The cluster file says where the state lies, and is read like any other.
    assert.ok(findProblems(evil.clusterFile).some(({ path }) => path === 'metadata.name'));
  });

  const mutations: readonly (readonly [string, (bytes: Buffer, other: Buffer) => Buffer | undefined])[] = [
    ['gone', () => undefined],
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (bytes) => bytes.subarray(0, -1)],
    ['longer', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
    ['changed at the front', (bytes) => flipped(bytes, 2)],
    ['changed in the middle', (bytes) => flipped(bytes, bytes.length >> 1)],
    ['changed at the end', (bytes) => flipped(bytes, bytes.length - 3)],
    ["another repository's for the same identity", (_, other) => other],
  ];
  const flipped = (bytes: Buffer, at: number) => {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    return changed;
  };
  const firstOf = async (place: string, kind: string) => {
    const [found] = (await readdir(join(place, kind), { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    return join(found!.parentPath, found!.name);
  };
  for (const [kind, named] of [['sealed', /sealed\//], ['escrow', /(escrow|sealed)\//], ['keys', /(keys|chain)\//], ['kubekeep-repository', /kubekeep-repository|chain\/|no backup repository/]] as const) {
    it(`is not taken from a repository whose ${kind} is damaged in any way, and the object is named`, async () => {
      await using other = await madeRepository({ identity: made.identity });
      await emptyBase(await other.open(), other.keys, { bundle: Buffer.from('other keys') });
      for (const [title, mutation] of mutations) {
        const place = join(folder, `damaged-${++count}`);
        await cp(made.folder, place, { recursive: true });
        const [path, theirs] = kind === 'kubekeep-repository' ? [join(place, kind), join(other.folder, kind)] : [await firstOf(place, kind), await firstOf(other.folder, kind)];
        const bytes = mutation(await readFile(path), await readFile(theirs));
        if (bytes === undefined) await rm(path);
        else await writeFile(path, bytes);
        const state = newState();
        const error: unknown = await recoverState({ state, identityFile: identityFile() }, folderStore(place)).then(() => undefined, (caught: unknown) => caught);
        // The line end of the marker says nothing.
        if (kind === 'kubekeep-repository' && title === 'cut off') continue;
        assert.ok(error instanceof KubekeepError, `${title}: ${String(error)}`);
        assert.ok(['repository-damaged', 'repository-missing', 'repository-mismatch', 'identity-missing'].includes(error.code), `${title}: ${error.code}`);
        assert.match(error.message, named, title);
        assert.equal(existsSync(state.path), false, title);
      }
    });
  }

  async function kept(which: ClusterSecrets, identity: Secret) {
    return { secrets: which, identity, sealed: await sealTo(which, identity), from: 'new' as const };
  }
  const contents = async (path: string) => Promise.all((await readdir(path)).sort().map(async (name) => [name, await readFile(join(path, name), 'utf8')]));
});
