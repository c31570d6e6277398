import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { emptyBase, madeRepository, type MadeRepository } from '../../../test/support/backup-repository.ts';
import { cluster, now } from '../../../test/support/example-cluster.ts';
import { newCapture } from '../../backup/captures.ts';
import { encodePageTable } from '../../backup/format/page-table.ts';
import { basesOf } from '../../backup/points.ts';
import { folderStore } from '../../backup/store/folder-store.ts';
import { Secret } from '../../lib/secret.ts';
import { createSecrets, type ClusterSecrets } from '../../pki/secrets.ts';
import { sealTo } from '../state.ts';
import { bundleOf } from './cluster-bundle.ts';
import { proveKey } from './prove-key.ts';

describe('what one key alone brings back', () => {
  let made: MadeRepository;
  let secrets: ClusterSecrets;
  let folder: string;
  const [all, reader, keeper] = [person(), person(), person()];
  before(async () => {
    const [a, b, c] = await Promise.all([all, reader, keeper].map(async (one) => (await one).recipient));
    [made, secrets, folder] = [await madeRepository({ more: [a!, b!], escrow: [a!, c!] }), await createSecrets(cluster.name, now), await mkdtemp(join(tmpdir(), 'kubekeep-prove-'))];
    await writeFile(join(folder, 'cluster.yaml'), 'kind: Cluster\n');
    await take();
    await take();
  });
  after(async () => {
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function person() {
    const identity = new Secret(await generateX25519Identity());
    return { identity, recipient: await identityToRecipient(identity.reveal()) };
  }
  /** One page, and the keys of the cluster. */
  async function take() {
    const repository = await made.open();
    const capture = await newCapture(repository);
    const pack = await repository.put('pack', Buffer.alloc(4096, 7), capture);
    const table = await repository.put('table', encodePageTable({ pageSize: 4096, ids: new Uint8Array(16), pack: new Uint32Array(1), slot: new Uint32Array(1), packs: [pack] }), repository.structure);
    const sealed = await sealTo(secrets, made.identity);
    return emptyBase(repository, made.keys, { table, length: 4096, revision: 100, capture: Buffer.from(capture.capture).toString('hex'), bundle: await bundleOf({ cluster, file: join(folder, 'cluster.yaml'), state: { knownHosts: '/nowhere' } }, { secrets, sealed }, made.keys) });
  }
  const prove = async (who: Secret) => proveKey(folderStore(made.folder), who);

  it('is everything for one of both lists', async () => {
    const { problems, opened, newest, bundle, recipient, owner } = await prove((await all).identity);
    assert.deepEqual(problems, []);
    assert.deepEqual(opened, { data: { count: 2, of: 2 }, escrow: { count: 2, of: 2 } });
    assert.deepEqual([newest?.revision, bundle?.base, bundle?.clusterId, bundle?.clusterFile, recipient, owner], [100, 4, secrets.clusterId, true, (await all).recipient, made.keys.ownerKey]);
  });

  it('is the data, or the keys of the cluster, for one of one list, and the rest is named', async () => {
    const data = await prove((await reader).identity);
    assert.deepEqual(data.problems, ['it does not open 2 of 2 keys of what is sealed', 'it is not one of escrow: the keys of the cluster are sealed to others']);
    assert.deepEqual([data.newest?.revision, data.bundle], [100, undefined]);
    const keys = await prove((await keeper).identity);
    assert.deepEqual(keys.problems, ['it does not open 2 of 2 keys of data', 'it is not one of those that data is written for']);
    assert.deepEqual([keys.newest, keys.bundle?.cluster], [undefined, cluster.name]);
  });

  const losses: readonly (readonly [string, string, RegExp])[] = [
    ['a key of data', 'captures', /^captures\/[0-9a-f]{32}\.1\.age: it is missing/],
    ['the key of the newest bundle', 'escrow', /^escrow\/[0-9a-f]{32}\.1\.age: it is missing/],
    ['a bundle', 'sealed', /^sealed\/[0-9a-f]{2}\/[0-9a-f]{64}: it is missing/],
    ['a page table', 'tables', /it is missing/],
    ['a pack', 'packs', /^packs\/[0-9a-f]{2}\/[0-9a-f]{64}: it is missing/],
  ];
  for (const [title, where, message] of losses) {
    it(`lacks ${title} that is gone`, async () => {
      const files = (await readdir(join(made.folder, where), { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
      for (const file of files) await rm(file);
      const { problems, opened } = await prove(made.identity);
      assert.deepEqual([opened.data.count === opened.data.of, opened.escrow.count === opened.escrow.of], [where !== 'captures', where !== 'escrow']);
      assert.ok(problems.some((problem) => message.test(problem)), problems.join('\n'));
      await made[Symbol.asyncDispose]();
      const [a, b, c] = await Promise.all([all, reader, keeper].map(async (one) => (await one).recipient));
      made = await madeRepository({ more: [a!, b!], escrow: [a!, c!] });
      await take();
      assert.deepEqual((await prove(made.identity)).problems, []);
    });
  }

  it('lacks a key that nothing but the packs of a base from before is written with', async () => {
    const { table, capture, revision } = basesOf((await made.open()).chain).at(-1)!;
    await emptyBase(await made.open(), made.keys, { table, length: 4096, revision, capture, captures: ['ab'.repeat(16), capture] });
    const { problems, opened } = await prove((await all).identity);
    assert.match(problems.join(), /captures\/(ab){16}\.1\.age: it is missing/);
    assert.equal(opened.data.of, opened.data.count + 1);
  });
});
