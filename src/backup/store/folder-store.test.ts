import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { memoryStore } from '../../../test/support/memory-store.ts';
import { folderStore } from './folder-store.ts';
import { storeConformance } from './store.conformance.ts';

let parent: string;
let count = 0;
before(async () => void (parent = await mkdtemp(join(tmpdir(), 'kubekeep-store-'))));
after(() => rm(parent, { recursive: true }));
const next = () => join(parent, String(++count));

storeConformance('a folder', {
  open: async () => folderStore(next()),
  again: async ({ place }) => folderStore(place),
});

// Tests that make very many use it.
storeConformance('a store in memory', {
  open: async () => memoryStore(),
  again: async (store) => store,
});

describe('a folder', () => {
  it('keeps what it has to itself and leaves no temporary file', async () => {
    const store = folderStore(next());
    await store.create('packs/ab/1', new Uint8Array(10));
    await store.create('packs/ab/1', new Uint8Array(10));
    assert.deepEqual(await readdir(join(store.place, 'packs/ab')), ['1']);
    assert.equal((await stat(join(store.place, 'packs/ab/1'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(store.place, 'packs'))).mode & 0o777, 0o700);
  });

  it('says which object of which folder could not be written', async () => {
    const place = next();
    await writeFile(place, 'no folder');
    await assert.rejects(folderStore(place).create('head', new Uint8Array()), { code: 'store-failed', message: new RegExp(`cannot write head in ${place}: E`) });
  });
});
