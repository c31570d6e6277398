import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { emptyBase, madeRepository, type MadeRepository } from '../../test/support/backup-repository.ts';
import { cutOff } from '../../test/support/cut-off-store.ts';
import { KubekeepError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';
import { readBundle } from './bundle.ts';
import { appendUnder, captureKeys, newCapture } from './captures.ts';
import { changeRecipients } from './change-recipients.ts';
import { basesOf } from './points.ts';
import type { RecipientLists } from './recipients.ts';
import { openRepository, openRepositoryAs, type Repository } from './repository.ts';
import { folderStore } from './store/folder-store.ts';
import type { Store } from './store/store.ts';

const [ann, bob] = await Promise.all([person(), person()]);
const bundle = Buffer.from('keys of the cluster');

async function person() {
  const identity = new Secret(await generateX25519Identity());
  return { identity, recipient: await identityToRecipient(identity.reveal()) };
}
const hexOf = ({ capture }: { readonly capture: Uint8Array }) => Buffer.from(capture).toString('hex');
const adding = (one: string) => ({ recipients, escrow }: RecipientLists) => ({ recipients: [...new Set([...recipients, one])], escrow: [...new Set([...escrow, one])] });
const removing = (one: string) => ({ recipients, escrow }: RecipientLists) => ({ recipients: recipients.filter((other) => other !== one), escrow: escrow.filter((other) => other !== one) });

describe('a change of recipients', () => {
  /** With bases, a bundle and the keys of both; ann reads it already. */
  async function filled(): Promise<MadeRepository> {
    const made = await madeRepository({ more: [ann.recipient] });
    for (let base = 0; base < 2; base++) await takeBase(await made.open(), made);
    return made;
  }
  async function takeBase(repository: Repository, made: MadeRepository) {
    const capture = await newCapture(repository);
    await emptyBase(repository, made.keys, { bundle, capture: hexOf(capture) });
    return capture;
  }
  const change = async (made: MadeRepository, how: (present: RecipientLists) => RecipientLists, store: Store = folderStore(made.folder)) =>
    changeRecipients(await openRepository(store, made.keys), how, { keys: made.keys, identity: made.identity, now: () => 5000 });
  /** Every key that the chain names. */
  async function readsAll(made: MadeRepository, identity: Secret): Promise<void> {
    const repository = await openRepositoryAs(folderStore(made.folder), identity);
    const keys = captureKeys(repository, identity);
    const bases = basesOf(repository.chain);
    assert.ok(bases.length >= 2);
    for (const base of bases) {
      await keys(base.capture);
      assert.deepEqual(await readBundle(repository, base.bundle!, identity), bundle);
    }
  }
  const names = async (made: MadeRepository) => (await Promise.all(['keys', 'captures', 'escrow'].map(async (folder) => (await readdir(join(made.folder, folder))).map((name) => `${folder}/${name}`)))).flat();
  const generations = async (made: MadeRepository) => [...new Set((await names(made)).map((name) => name.split('.').at(-2)!.split('/').at(-1)))];

  it('lets one read all that is there, and takes it from another', async () => {
    await using made = await filled();
    await assert.rejects(readsAll(made, bob.identity), { code: 'identity-missing' });
    const { wrapped, unopened, recipients } = await change(made, adding(bob.recipient));
    assert.deepEqual([wrapped, unopened, recipients.generation, recipients.since[bob.recipient]], [3, [], 2, 5000]);
    assert.notEqual(recipients.since[ann.recipient], 5000);
    for (const { identity } of [made, ann, bob]) await readsAll(made, identity);
    await change(made, removing(ann.recipient));
    await assert.rejects(readsAll(made, ann.identity), { code: 'identity-missing' });
    for (const { identity } of [made, bob]) await readsAll(made, identity);
    assert.deepEqual(await generations(made), ['3']);
    assert.equal((await change(made, removing(ann.recipient))).wrapped, 0);
  });

  for (const [title, how, readers] of [['one more', adding(bob.recipient), [ann, bob]], ['one fewer', removing(ann.recipient), []]] as const) {
    it(`to ${title} may be cut off at any write, before or after it: who may read can always, and the next attempt finishes it`, async () => {
      let cut = 0;
      for (let done = false; !done; cut++) {
        for (const written of [false, true]) {
          await using made = await filled();
          const failed = await change(made, how, cutOff(folderStore(made.folder), cut, written)).then(() => false, (error: KubekeepError) => error.message === 'cut');
          done = !failed;
          await readsAll(made, made.identity);
          // Ann loses what she had only once the change is known; before and during that she may have it.
          if (readers.length > 0) await readsAll(made, ann.identity);
          // Somebody takes a base in between.
          await takeBase(await made.open(), made);
          await change(made, how);
          for (const { identity } of [made, ...readers]) await readsAll(made, identity);
          if (readers.length === 0) await assert.rejects(readsAll(made, ann.identity), { code: 'identity-missing' });
          assert.deepEqual(await generations(made), ['2'], `cut at ${cut}`);
        }
      }
      assert.ok(cut > 8, `${cut} writes`);
    });
  }

  it('does not lose what a writer began before it: its key is wrapped again before an entry names it', async () => {
    await using made = await filled();
    const writer = await made.open();
    const capture = await newCapture(writer);
    await change(made, adding(bob.recipient));
    await change(made, removing(ann.recipient));
    // A writer that has not looked for a while: the owner has never seen this one.
    const late = await newCapture(writer);
    assert.equal(late.generation, 1);
    await appendUnder(writer, [capture, late], 'base', made.keys.writer, () => ({}));
    const keys = async (identity: Secret) => captureKeys(await openRepositoryAs(folderStore(made.folder), identity), identity);
    for (const one of [capture, late]) assert.deepEqual(Buffer.from((await (await keys(bob.identity))(hexOf(one))).key), one.key);
    assert.deepEqual((await names(made)).filter((one) => one.includes(hexOf(late))), [`captures/${hexOf(late)}.3.age`]);
  });

  it('wraps a key anew for an entry that came while it was tried', async () => {
    await using made = await filled();
    const store = folderStore(made.folder);
    let changed = false;
    const slow: Store = {
      ...store,
      async create(objectName, bytes) {
        if (objectName.startsWith('chain/') && !changed) {
          changed = true;
          await change(made, adding(bob.recipient));
        }
        return store.create(objectName, bytes);
      },
    };
    const repository = await openRepository(slow, made.keys);
    const capture = await newCapture(repository);
    const entry = await appendUnder(repository, [capture], 'base', made.keys.writer, () => ({ capture: hexOf(capture) }));
    assert.ok(changed && entry);
    await captureKeys(await openRepositoryAs(store, bob.identity), bob.identity)(hexOf(capture));
  });

  it('is read through by who opened the repository before it', async () => {
    await using made = await filled();
    const reader = await openRepositoryAs(folderStore(made.folder), ann.identity);
    await change(made, adding(bob.recipient));
    const keys = captureKeys(reader, ann.identity);
    for (const { capture } of basesOf(reader.chain)) await keys(capture);
  });

  it('is done also where the store lets nothing go, which is said, and which the next one makes up for', async () => {
    await using made = await filled();
    const store = folderStore(made.folder);
    const locked: Store = { ...store, remove: async (name) => Promise.reject(new KubekeepError('store-failed', `${name} is locked`)) };
    const { unremoved, unopened } = await change(made, removing(ann.recipient), locked);
    assert.deepEqual([unremoved.length, unopened], [4, []]);
    await readsAll(made, made.identity);
    await takeBase(await openRepository(locked, made.keys), made);
    assert.deepEqual((await change(made, removing(ann.recipient))).unremoved, []);
    assert.deepEqual(await generations(made), ['2']);
  });

  it('is not begun for one that is no recipient', async () => {
    await using made = await filled();
    const before = await names(made);
    await assert.rejects(change(made, adding('age1nonsense')), { code: 'identity-missing' });
    assert.deepEqual(await names(made), before);
    assert.equal((await made.open()).recipients.generation, 1);
  });

  it('keeps the old copy of a key that does not open, or that somebody else put in its place, and says so', async () => {
    await using made = await filled();
    const [broken, planted] = (await readdir(join(made.folder, 'captures'))).sort();
    await writeFile(join(made.folder, 'captures', broken!), 'rotten');
    const good = await readFile(join(made.folder, 'captures', planted!));
    await writeFile(join(made.folder, 'captures', planted!.replace('.1.', '.2.')), 'planted');
    const { unopened } = await change(made, adding(bob.recipient));
    assert.deepEqual(unopened.map(({ name }) => name).sort(), [broken, planted].map((name) => `captures/${name!.replace('.1.', '.2.')}`));
    assert.deepEqual(await readFile(join(made.folder, 'captures', planted!)), good);
    await captureKeys(await made.read(), made.identity)(planted!.split('.')[0]!);
  });
});
