import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emptyBase, madeRepository, type MadeRepository } from '../../test/support/backup-repository.ts';
import { openRepository, openRepositoryAs } from './repository.ts';
import { namedWriter, newOwnerKeys, writerKeysFromText, writerKeysToText } from './repository-keys.ts';
import { basesOf } from './points.ts';
import { folderStore } from './store/folder-store.ts';
import { addWriters, revokeWriters, writersIn } from './writers.ts';

describe('writers that the owner names', () => {
  let made: MadeRepository;
  before(async () => void (made = await madeRepository()));
  after(() => made[Symbol.asyncDispose]());
  const as = (host: string, generation?: number) => writerKeysFromText(writerKeysToText(namedWriter(made.keys, host, generation)));

  it('have the same keys whenever they are made, and no two of them have the same', () => {
    const ids = [as('cp1'), as('cp1', 1), as('cp1', 2), as('cp2'), namedWriter(newOwnerKeys(), 'cp1')].map(({ writer }) => `${writer.writer} ${writer.key.export({ format: 'der', type: 'pkcs8' }).toString('hex')}`);
    assert.equal(ids[0], ids[1]);
    assert.equal(new Set(ids).size, 4);
  });

  it("hold no owner's key and no way to read", () => {
    const text = writerKeysToText(namedWriter(made.keys, 'cp1'));
    assert.equal(text.includes(made.keys.owner.key.export({ format: 'pem', type: 'pkcs8' }).toString().split('\n')[1]!), false);
    assert.deepEqual(Object.keys(JSON.parse(text) as object), ['repository', 'secret', 'writer', 'ownerKey']);
  });

  it('write once they are named and not before, and not once they are revoked; what they wrote stays', async () => {
    const keys = as('cp1');
    const repository = await openRepository(folderStore(made.folder), keys);
    await assert.rejects(emptyBase(repository, keys), { code: 'repository-mismatch' });
    await addWriters(await made.open(), made.keys, [keys.writer]);
    await repository.chain.refresh();
    const base = await emptyBase(repository, keys);
    await addWriters(await made.open(), made.keys, [keys.writer]);
    await revokeWriters(await made.open(), made.keys, [keys.writer.writer]);
    // It has not seen it yet, and finds the name of its next entry taken.
    await assert.rejects(emptyBase(repository, keys), { code: 'repository-mismatch' });
    const reader = await openRepositoryAs(folderStore(made.folder), made.identity);
    assert.deepEqual(basesOf(reader.chain).map(({ number, writer }) => [number, writer]), [[base.number, keys.writer.writer]]);
    assert.deepEqual(writersIn(reader.chain.entries).map(({ until }) => until), [undefined, base.number]);
  });

  it('do not come back under a key that was revoked, and do under the next', async () => {
    const owners = await made.open();
    await assert.rejects(addWriters(owners, made.keys, [as('cp1').writer]), { code: 'repository-mismatch' });
    const next = as('cp1', 2);
    await addWriters(owners, made.keys, [next.writer]);
    await emptyBase(await openRepository(folderStore(made.folder), next), next);
    await revokeWriters(owners, made.keys, ['f'.repeat(32)]);
    assert.equal((await made.open()).chain.newest!.number, owners.chain.newest!.number + 1, 'one that is not known is passed over');
  });
});
