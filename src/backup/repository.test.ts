import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { cutOff } from '../../test/support/cut-off-store.ts';
import type { KubekeepError } from '../lib/errors.ts';
import { createRepository, openRepository, openRepositoryAs } from './repository.ts';
import { Secret } from '../lib/secret.ts';
import { newOwnerKeys } from './repository-keys.ts';
import { folderStore } from './store/folder-store.ts';
import type { Store } from './store/store.ts';

describe('a repository', () => {
  let parent: string;
  let identity: string;
  let recipients: readonly string[];
  let count = 0;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'kubekeep-repository-'));
    identity = await generateX25519Identity();
    recipients = [await identityToRecipient(identity)];
  });
  after(() => rm(parent, { recursive: true }));
  const place = () => folderStore(join(parent, String(++count)));
  const kept = async () => {};

  it('whose making was cut off at any write, before or after it, is finished by the next attempt with the same keys', async () => {
    let cut = 0;
    for (let done = false; !done; cut++) {
      for (const written of [false, true]) {
        const store = place();
        const keys = newOwnerKeys();
        let begun = false;
        const failed = await createRepository(cutOff(store, cut, written), recipients, { keys, begun, keep: async () => void (begun = true) }).then(() => false, (error: KubekeepError) => error.message === 'cut');
        done = !failed;
        if (!failed) continue;
        // Without kept keys nothing of the first attempt is needed.
        await createRepository(store, recipients, { keys: begun ? keys : newOwnerKeys(), begun, keep: async () => void (begun = true) });
        const names = await store.list('');
        assert.deepEqual(names, ['chain/0000000000000001', 'chain/0000000000000002', 'keys/1.age', 'kubekeep-repository'], `cut at ${cut}`);
        const { chain } = await openRepositoryAs(store, new Secret(identity));
        assert.deepEqual(chain.entries.map(({ kind }) => kind), ['recipients', 'writers']);
      }
    }
    assert.ok(cut > 6, `${cut} writes`);
  });

  it('is not made where there is one, or anything else, nor for a recipient that is none; keys are kept for none of these', async () => {
    const store = place();
    await createRepository(store, recipients, { keys: newOwnerKeys(), begun: false, keep: kept });
    const never = async () => assert.fail('keys were kept');
    await assert.rejects(createRepository(store, recipients, { keys: newOwnerKeys(), begun: false, keep: never }), { code: 'repository-exists' });
    await assert.rejects(createRepository(store, recipients, { keys: newOwnerKeys(), begun: true, keep: never }), { code: 'repository-exists' });
    const other = place();
    await other.create('holiday.jpg', new Uint8Array());
    await assert.rejects(createRepository(other, recipients, { keys: newOwnerKeys(), begun: false, keep: never }), { code: 'repository-exists' });
    const typo = place();
    await assert.rejects(createRepository(typo, [recipients[0]!.replace(/.$/, 'b').replace(/.(.)$/, 'b$1')], { keys: newOwnerKeys(), begun: false, keep: never }), { code: 'identity-missing' });
    assert.deepEqual(await typo.list(''), []);
  });

  it('is not made in a place where a name can be written twice', async () => {
    const store = place();
    const careless: Store = { ...store, create: async (name, bytes) => (await store.overwrite(name, bytes), 'created') };
    await assert.rejects(createRepository(careless, recipients, { keys: newOwnerKeys(), begun: false, keep: async () => assert.fail('keys were kept') }), { code: 'store-failed' });
  });

  it('is not taken for another one of the same recipient, or of the same name by another owner', async () => {
    const keys = newOwnerKeys();
    const [mine, other, posing] = [place(), place(), place()];
    await createRepository(mine, recipients, { keys, begun: false, keep: kept });
    await createRepository(other, recipients, { keys: newOwnerKeys(), begun: false, keep: kept });
    await createRepository(posing, recipients, { keys: { ...newOwnerKeys(), repository: keys.repository }, begun: false, keep: kept });
    await openRepository(mine, keys);
    for (const store of [other, posing]) await assert.rejects(openRepository(store, keys), { code: 'repository-mismatch' });
  });
});
