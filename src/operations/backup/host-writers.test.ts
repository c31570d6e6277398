import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { identityToRecipient } from 'age-encryption';
import { emptyBase, madeRepository, type MadeRepository } from '../../../test/support/backup-repository.ts';
import { writerKeysToText } from '../../backup/repository-keys.ts';
import { folderStore } from '../../backup/store/folder-store.ts';
import { stateFolder, type StateFolder } from '../state.ts';
import { admitHost, hostWriters, readWriterKeys, revokeHost } from './host-writers.ts';
import { keepKeys, openAsWriter } from './open-backup.ts';

describe('hosts as writers of a repository', () => {
  let made: MadeRepository;
  let folder: string;
  let state: StateFolder;
  const store = () => folderStore(made.folder);
  const writers = async () => (await hostWriters(state, made.identity))!;
  /** As a host with the keys that it was given. */
  async function writes(text: string): Promise<void> {
    await writeFile(join(folder, 'writer'), text);
    const opened = await openAsWriter({ state: stateFolder(folder, 'host') }, store(), await readWriterKeys(join(folder, 'writer')));
    await emptyBase(opened.repository, opened.keys);
  }
  before(async () => {
    made = await madeRepository();
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-writers-'));
    state = stateFolder(folder, 'prod');
  });
  after(async () => {
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('are none where this computer does not own a repository', async () => {
    assert.equal(await hostWriters(state, made.identity), undefined);
    await keepKeys(state, made.keys, await identityToRecipient(made.identity.reveal()));
    assert.ok(await writers());
  });

  it('write with what they were given once they are admitted, until they are revoked; then with another key', async () => {
    const first = writerKeysToText((await writers()).of('cp1'));
    await assert.rejects(writes(first), { code: 'repository-mismatch' });
    await admitHost(state, store(), await writers(), 'cp1');
    await writes(first);
    assert.equal(await revokeHost(state, store(), await writers(), 'cp1'), true);
    await assert.rejects(writes(first), { code: 'repository-mismatch' });
    const second = writerKeysToText((await writers()).of('cp1'));
    await admitHost(state, store(), await writers(), 'cp1');
    await writes(second);
    await assert.rejects(writes(first), { code: 'repository-mismatch' });
    assert.equal(await revokeHost(state, store(), await writers(), 'cp2'), false);
  });

  it('get another key also where the computer that admits them did not revoke the one before', async () => {
    assert.equal(await revokeHost(state, store(), await writers(), 'cp1'), true);
    const elsewhere = stateFolder(folder, 'elsewhere');
    await keepKeys(elsewhere, made.keys, await identityToRecipient(made.identity.reveal()));
    const admit = async () => admitHost(elsewhere, store(), (await hostWriters(elsewhere, made.identity))!, 'cp1');
    await assert.rejects(admit(), { code: 'repository-mismatch' });
    await admit();
    await writes(writerKeysToText((await hostWriters(elsewhere, made.identity))!.of('cp1')));
  });

  it('are revoked also where another computer gave them the key that they have', async () => {
    const third = writerKeysToText((await hostWriters(stateFolder(folder, 'elsewhere'), made.identity))!.of('cp1'));
    await writes(third);
    const burnt = stateFolder(folder, 'burnt');
    await keepKeys(burnt, made.keys, await identityToRecipient(made.identity.reveal()));
    assert.equal(await revokeHost(burnt, store(), (await hostWriters(burnt, made.identity))!, 'cp1'), true);
    await assert.rejects(writes(third), { code: 'repository-mismatch' });
    assert.equal(await revokeHost(burnt, store(), (await hostWriters(burnt, made.identity))!, 'cp1'), false);
    const fourth = writerKeysToText((await hostWriters(burnt, made.identity))!.of('cp1'));
    await admitHost(burnt, store(), (await hostWriters(burnt, made.identity))!, 'cp1');
    await writes(fourth);
  });

  it('say nothing of a file that holds no keys', async () => {
    await writeFile(join(folder, 'bad'), 'canary-91ab');
    await assert.rejects(readWriterKeys(join(folder, 'bad')), (error: Error) => error.message.includes('does not hold the keys of a writer') && !`${error.stack} ${JSON.stringify(error)}`.includes('canary'));
    await assert.rejects(readWriterKeys(join(folder, 'none')), { code: 'file-missing' });
  });
});
