import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { emptyBase, madeRepository, type MadeRepository } from '../../test/support/backup-repository.ts';
import { Secret } from '../lib/secret.ts';
import { readBundle, storeBundle } from './bundle.ts';
import { captureKeys, newCapture } from './captures.ts';
import { damaged } from './format/encrypted-object.ts';
import { openRepositoryAs } from './repository.ts';
import { folderStore } from './store/folder-store.ts';

describe('a sealed bundle', () => {
  let made: MadeRepository;
  /** Reads data and nothing that is sealed, and the other way round. */
  let reader: Secret;
  let keeper: Secret;
  before(async () => {
    [reader, keeper] = [new Secret(await generateX25519Identity()), new Secret(await generateX25519Identity())];
    made = await madeRepository({ more: [await identityToRecipient(reader.reveal())], escrow: [await identityToRecipient(keeper.reveal())] });
  });
  after(() => made[Symbol.asyncDispose]());
  const files = async (folder: string) => (await readdir(join(made.folder, folder), { recursive: true, withFileTypes: true }).catch(() => [])).filter((one) => one.isFile()).length;
  const content = Buffer.from('keys of the cluster, canary-5c0d');

  it('is stored once as long as it says the same, by whoever takes a base, and anew when it says something else or was lost', async () => {
    const take = async (bundle: Uint8Array) => (await emptyBase(await made.open(), made.keys, { bundle })).bundle!;
    const first = await take(content);
    assert.deepEqual(await take(content), first);
    assert.deepEqual([await files('sealed'), await files('escrow')], [1, 1]);
    const other = await take(Buffer.from('other keys'));
    assert.notEqual(other.hash, first.hash);
    assert.deepEqual(await take(content), first, 'what was said before is there');
    await rm(join(made.folder, 'sealed', first.hash.slice(0, 2), first.hash));
    const again = await take(content);
    assert.notEqual(again.hash, first.hash);
    assert.equal(again.mac, first.mac);
    await rm(join(made.folder, 'escrow', `${again.key}.1.age`));
    assert.notEqual((await take(content)).key, again.key);
  });

  it('opens for escrow and for nobody else, who reads the data or not', async () => {
    const { bundle } = await emptyBase(await made.open(), made.keys, { bundle: content });
    const open = async (identity: Secret) => readBundle(await openRepositoryAs(folderStore(made.folder), identity), bundle!, identity);
    assert.deepEqual(await open(keeper), content);
    assert.deepEqual(await open(made.identity), content);
    await assert.rejects(open(reader), { code: 'identity-missing', message: /escrow\/[0-9a-f]{32}\.1\.age/ });
    const data = Buffer.from((await newCapture(await made.open())).capture).toString('hex');
    await captureKeys(await made.read(), reader)(data);
    await assert.rejects(captureKeys(await made.read(), keeper)(data), { code: 'identity-missing' });
  });

  it('is refused where it is not the one that its base speaks of', async () => {
    const repository = await made.open();
    const [{ ref: one }, { ref: two }] = [await storeBundle(repository, Buffer.from('one'), []), await storeBundle(repository, Buffer.from('two'), [])];
    const refused = (ref: typeof one, message: RegExp) => assert.rejects(readBundle(repository, ref, made.identity), { code: damaged('', '').code, message });
    await refused({ ...one, hash: two.hash }, /belongs to another key than its base says/);
    await refused({ ...one, mac: two.mac }, /not the one that its base speaks of/);
    await refused({ ...one, hash: 'ab'.repeat(32) }, /it is missing/);
  });
});
