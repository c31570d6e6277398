import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createRepository, openRepository } from '../../backup/repository.ts';
import { newOwnerKeys, type OwnerKeys } from '../../backup/repository-keys.ts';
import { folderStore } from '../../backup/store/folder-store.ts';
import { keep, stateFolder } from '../state.ts';
import { readSeen, remember } from './open-backup.ts';

describe('the newest entry that was seen', () => {
  let parent: string;
  let count = 0;
  before(async () => void (parent = await mkdtemp(join(tmpdir(), 'kubekeep-seen-'))));
  after(() => rm(parent, { recursive: true }));

  async function made(): Promise<{ readonly path: string; readonly keys: OwnerKeys }> {
    const path = join(parent, String(++count));
    const keys = newOwnerKeys();
    await createRepository(folderStore(path), [await identityToRecipient(await generateX25519Identity())], { keys, begun: false, keep: async () => {} });
    return { path, keys };
  }
  const open = ({ path, keys }: { readonly path: string; readonly keys: OwnerKeys }) => openRepository(folderStore(path), keys);
  const state = () => stateFolder(join(parent, `state-${++count}`), 'prod');
  const append = async (at: { readonly path: string; readonly keys: OwnerKeys }) => {
    const repository = await open(at);
    await repository.chain.append('base', at.keys.writer, () => ({}));
    return repository;
  };

  it('is noted, and an older state of the repository, one that went on otherwise, or another repository is refused', async () => {
    const folder = state();
    const mine = await made();
    await remember(folder, await append(mine));
    const older = { ...mine, path: join(parent, 'older') };
    await cp(mine.path, older.path, { recursive: true });
    await remember(folder, await append(mine));
    const mismatch = (message: RegExp) => ({ code: 'repository-mismatch', message });
    await assert.rejects(remember(folder, await open(older)), mismatch(/entry 4 of its chain is gone/));
    await append(older);
    await assert.rejects(remember(folder, await open(older)), mismatch(/entry 4 of its chain is another one/));
    const other = await made();
    for (let entry = 0; entry < 5; entry++) await append(other);
    await assert.rejects(remember(folder, await open(other)), mismatch(/it was repository .* and is/));
    assert.equal((await readSeen(folder))!.number, 4);
    await remember(folder, await open(mine));
  });

  it('is refused behind another owner, also where all before is the same', async () => {
    const folder = state();
    const mine = await made();
    const repository = await append(mine);
    await remember(folder, repository);
    await assert.rejects(remember(folder, { ...repository, recipients: repository.recipients, ownerKey: 'x'.repeat(43) }), { code: 'repository-mismatch', message: /its owner was .* and is xxxxxxxxxxxx$/ });
    // A note of a release before, which did not have it.
    const { owner, ...old } = (await readSeen(folder))!;
    await keep(folder, 'repository-seen.json', JSON.stringify(old));
    await remember(folder, repository);
    assert.equal((await readSeen(folder))!.owner, owner);
  });

  it('is never noted as an older one, and one that another command has noted meanwhile is looked for', async () => {
    const folder = state();
    const mine = await made();
    const slow = await open(mine);
    await remember(folder, await append(mine));
    await remember(folder, slow);
    assert.equal(slow.chain.entries.length, 3);
    assert.equal((await readSeen(folder))!.number, 3);
  });
});
