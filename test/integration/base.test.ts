import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { Secret } from '../../src/lib/secret.ts';
import { createRepository, openRepository, openRepositoryAs, type NewRepository } from '../../src/backup/repository.ts';
import { basesOf, type Base } from '../../src/backup/points.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import { takeBase, type BaseSource } from '../../src/backup/take-base.ts';
import { captureKeys, writeSnapshot } from '../../src/backup/write-snapshot.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';

const day = 86_400_000;
const canary = 'canary-2f6b1d';

describe('a base of a real etcd', () => {
  let folder: string;
  let etcd: LoneEtcd;
  let keys: NewRepository;
  let identity: Secret;
  let now = Date.parse('2026-11-25T12:00:00Z');
  const place = () => join(folder, 'repository');
  const kept: Buffer[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-base-'));
    etcd = await loneEtcd(folder);
    identity = new Secret(await generateX25519Identity());
    keys = await createRepository(folderStore(place()), [await identityToRecipient(identity.reveal())], async () => {});
    for (let round = 0; round < 40; round++) await etcd.write(Object.fromEntries(Array.from({ length: 25 }, (_, number) => [`/registry/${canary}/${round}-${number}`, `${canary}${'v'.repeat(2000)}${round}-${number}`])));
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** What the stream gave is kept, to be compared with. */
  function source(changes: Partial<BaseSource> = {}): BaseSource {
    return {
      timeline: 'c1:0', etcd: '3.7.3', member: 'm1',
      async *snapshot() {
        const pieces: Uint8Array[] = [];
        for await (const piece of etcd.client.snapshot()) {
          pieces.push(piece);
          yield piece;
        }
        kept.push(Buffer.concat(pieces));
      },
      hashes: async (revision) => [{ member: 'm1', answer: await etcd.client.hashKv(revision) }, { member: 'm2', answer: await etcd.client.hashKv(revision) }, { member: 'm3', answer: undefined }],
      ...changes,
    };
  }
  const open = () => openRepository(folderStore(place()), keys);
  const take = async (changes: Partial<BaseSource> = {}): Promise<Base> => takeBase(await open(), source(changes), { writer: keys.writer, spool: join(folder, 'spool'), now });
  const packs = async () => (await readdir(join(place(), 'packs'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).length;

  it('comes back byte for byte by the identity alone, and etcdutl accepts it', async () => {
    const base = await take();
    assert.equal(base.revision, (await etcd.client.status()).revision);
    assert.deepEqual(base.hashes, [{ member: 'm1', verdict: 'equal' }, { member: 'm2', verdict: 'equal' }, { member: 'm3', verdict: 'not reached' }]);
    assert.ok(base.hashChecked && base.whole);
    const repository = await openRepositoryAs(folderStore(place()), identity);
    const path = join(folder, 'snap.db');
    await writeSnapshot(repository, basesOf(repository.chain)[0]!, path, captureKeys(repository, identity));
    assert.deepEqual(await readFile(path), kept.at(-1));
    const told = JSON.parse(execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'status', path, '--write-out', 'json'], { encoding: 'utf8' })) as { revision: number };
    assert.equal(told.revision, base.revision);
    execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'restore', path, '--data-dir', join(folder, 'restored')], { stdio: 'ignore' });
    assert.ok((await stat(join(folder, 'restored/member/snap/db'))).size > 0);
  });

  it('that follows on another stores what is different, and both come back', async () => {
    await etcd.write({ '/registry/one': 'more' });
    now += 60_000;
    const second = await take();
    assert.equal(second.depth, 1);
    assert.ok(second.added < second.length / 10, `${second.added} of ${second.length} bytes are new`);
    const repository = await openRepositoryAs(folderStore(place()), identity);
    for (const [index, base] of basesOf(repository.chain).entries()) {
      const path = join(folder, `${index}.db`);
      await writeSnapshot(repository, base, path, captureKeys(repository, identity));
      assert.deepEqual(await readFile(path), kept[index], `base ${index}`);
    }
  });

  it('after a week stands on nothing older', async () => {
    const before = await packs();
    now += 7 * day;
    const third = await take();
    assert.ok(third.whole && third.depth === 0 && third.added > third.length / 2);
    assert.ok((await packs()) > before);
  });

  it('does not come back wrong: every object that is missing, cut, changed or another one is named', async () => {
    const store = folderStore(place());
    const names = (await store.list('')).filter((name) => !name.startsWith('captures/'));
    const write = async () => {
      const repository = await openRepositoryAs(store, identity);
      for (const base of basesOf(repository.chain)) await writeSnapshot(repository, base, join(folder, 'out.db'), captureKeys(repository, identity));
    };
    for (const name of names) {
      const path = join(place(), name);
      const good = await readFile(path);
      const other = await readFile(join(place(), names.find((one) => one !== name && one.slice(0, 4) === name.slice(0, 4)) ?? names[0]!));
      const flipped = Buffer.from(good);
      flipped[good.length >> 1]! ^= 1;
      // Two bytes: the last one of the first file is a line's end, which nobody misses.
      for (const bad of [undefined, good.subarray(0, -2), Buffer.alloc(0), flipped, other]) {
        if (bad === undefined) await rm(path);
        else await writeFile(path, bad);
        const outcome = await write().then(() => 'written', (error: { code?: string }) => error.code);
        // The last entry of a chain can be missing unnoticed by who has never seen it.
        const last = name === names.filter((one) => one.startsWith('chain/')).at(-1);
        const allowed = ['repository-damaged', ...(bad === undefined && last ? ['written'] : []), ...(name === 'kubekeep-repository' ? ['repository-missing'] : []), ...(name.startsWith('keys/') ? ['identity-missing'] : [])];
        assert.ok(allowed.includes(outcome!), `${name}: ${outcome}`);
      }
      await writeFile(path, good);
    }
    await write();
  });

  it('is not taken from a member whose data most others do not have, nor from a stream that was changed or cut', async () => {
    const wrong = async (revision: number) => ({ ...(await etcd.client.hashKv(revision)), hash: 1 });
    const entries = (await open()).chain.entries.length;
    const refused = (message: RegExp) => ({ code: 'data-damaged', message });
    await assert.rejects(take({ hashes: async (revision) => [{ member: 'm1', answer: await etcd.client.hashKv(revision) }, ...(await Promise.all(['m2', 'm3'].map(async (member) => ({ member, answer: await wrong(revision) }))))] }), refused(/m2 and m3/));
    await assert.rejects(take({ hashes: async (revision) => [{ member: 'm1', answer: await wrong(revision) }] }), refused(/m1/));
    const pieces = await Array.fromAsync(etcd.client.snapshot());
    const bytes = Buffer.concat(pieces);
    const changed = Buffer.from(bytes);
    changed[changed.length >> 1]! ^= 1;
    async function* stream(content: Buffer) { yield content; }
    await assert.rejects(take({ snapshot: () => stream(changed) }), refused(/SHA-256 differs/));
    await assert.rejects(take({ snapshot: () => stream(bytes.subarray(0, bytes.length - 1000)) }), refused(/no whole pages/));
    await assert.rejects(take({ snapshot: () => stream(Buffer.alloc(10)) }), refused(/no whole pages/));
    assert.equal((await open()).chain.entries.length, entries);
    assert.deepEqual((await readdir(folder)).filter((name) => name === 'spool'), []);
  });

  it('does not open with another identity', async () => {
    await assert.rejects(openRepositoryAs(folderStore(place()), new Secret(await generateX25519Identity())), { code: 'identity-missing' });
  });

  it('shows nothing of its content in the store', async () => {
    const store = folderStore(place());
    for (const name of await store.list('')) assert.equal(Buffer.from((await store.read(name))!).includes(canary), false, name);
  });
});
