import assert from 'node:assert/strict';
import { randomBytes, sign } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openChain, type ChainOptions } from './chain.ts';
import { encodeEntry, entryName } from './format/chain-entry.ts';
import { encryptObject } from './format/encrypted-object.ts';
import { deriveKeys, newOwnerKeys, newSigningKey, owner, publicBytes } from './repository-keys.ts';
import { folderStore } from './store/folder-store.ts';

const repository = randomBytes(16).toString('hex');
const ownerKey = newSigningKey(owner);
const writer = newSigningKey();
const stranger = newSigningKey();
const { structure } = deriveKeys(newOwnerKeys().secret, repository);
const id = ({ writer: name }: typeof writer) => name;

describe('a chain', () => {
  let parent: string;
  let count = 0;
  before(async () => void (parent = await mkdtemp(join(tmpdir(), 'kubekeep-chain-'))));
  after(() => rm(parent, { recursive: true }));

  const at = (folder: string): ChainOptions => ({ store: folderStore(folder), repository, structure, ownerKey: publicBytes(ownerKey) });
  /** With one writer, and as many entries of it. */
  async function chainOf(entries: number, until?: number): Promise<string> {
    const folder = join(parent, String(++count));
    const chain = await openChain(at(folder));
    await chain.append('writers', ownerKey, () => ({ writers: [{ id: id(writer), key: publicBytes(writer), ...(until !== undefined && { until }) }] }));
    for (let number = 0; number < entries; number++) await chain.append('base', writer, () => ({ number }));
    return folder;
  }
  const refused = (message: RegExp) => ({ code: 'repository-damaged', message });

  it('is one, however many append at once, and each has seen all before its own', async () => {
    const folder = await chainOf(0);
    const chains = await Promise.all(Array.from({ length: 4 }, () => openChain(at(folder))));
    await Promise.all(chains.map(async (chain, who) => {
      for (let turn = 0; turn < 8; turn++) await chain.append('base', writer, (entries) => ({ who, turn, seen: entries.length }));
    }));
    const { entries } = await openChain(at(folder));
    assert.equal(entries.length, 1 + 4 * 8);
    for (const { number, body } of entries.slice(1)) assert.equal((body as { seen: number }).seen, number - 1);
    for (let who = 0; who < 4; who++) assert.deepEqual(entries.slice(1).flatMap(({ body }) => ((body as { who: number }).who === who ? [(body as { turn: number }).turn] : [])), [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('gets no entry where the one who appends thinks better of it', async () => {
    const folder = await chainOf(1);
    const chain = await openChain(at(folder));
    assert.equal(await chain.append('base', writer, () => undefined), undefined);
    assert.equal((await openChain(at(folder))).entries.length, 2);
  });

  it('is read some entries at once, but few of those that are large', async () => {
    const readAtOnce = async (entries: number, bytes: number) => {
      const folder = await chainOf(0);
      const chain = await openChain(at(folder));
      const content = randomBytes(bytes).toString('hex');
      for (let number = 0; number < entries; number++) await chain.append('base', writer, () => ({ content }));
      const store = folderStore(folder);
      const found = { most: 0, now: 0 };
      const read = async (name: string) => {
        found.most = Math.max(found.most, ++found.now);
        return store.read(name).finally(() => found.now--);
      };
      assert.equal((await openChain({ ...at(folder), store: { ...store, read } })).entries.length, 1 + entries);
      return found.most;
    };
    assert.equal(await readAtOnce(14, 10), 16);
    assert.equal(await readAtOnce(5, 4 << 20), 3);
  });

  it('is refused with an entry that is missing, changed, moved or of another chain', async () => {
    const folder = await chainOf(4);
    const path = (number: number, of = folder) => join(of, entryName(number));
    const good = await readFile(path(3));
    const flipped = Buffer.from(good);
    flipped[100]! ^= 1;
    for (const [bad, message] of [
      [flipped, /chain\/0*3: /],
      [await readFile(path(4)), /it is entry 4/],
      [await readFile(path(3, await chainOf(4))), /does not follow/],
    ] as const) {
      await writeFile(path(3), bad);
      await assert.rejects(openChain(at(folder)), refused(message));
    }
    await rm(path(3));
    await assert.rejects(openChain(at(folder)), refused(/chain\/0*3: it is missing, and chain\/0*4 is there/));
    await writeFile(path(3), good);
    assert.equal((await openChain(at(folder))).entries.length, 5);
  });

  it('is opened while others write on: what they append before each answer is nothing that is missing', async () => {
    const folder = await chainOf(2);
    const other = await openChain(at(folder));
    const store = folderStore(folder);
    const append = () => other.append('base', writer, () => ({}));
    const { entries } = await openChain({ ...at(folder), store: { ...store, list: async (prefix, after) => (await append(), store.list(prefix, after)) } });
    assert.ok(entries.length >= 4, String(entries.length));
  });

  it('passes over an entry of a kind that a newer release may add', async () => {
    const folder = await chainOf(1);
    const { entries } = await openChain(at(folder));
    const bytes = encodeEntry({ number: 3, previous: entries.at(-1)!.hash, epoch: 0, writer: id(writer), catalog: 0, kind: 'base', body: randomBytes(50) }, writer.key);
    bytes[76] = 200;
    sign(null, bytes.subarray(0, -64), writer.key).copy(bytes, bytes.length - 64);
    await writeFile(join(folder, entryName(3)), bytes);
    const chain = await openChain(at(folder));
    assert.deepEqual({ kind: chain.entries[2]!.kind, body: chain.entries[2]!.body }, { kind: 'unknown', body: undefined });
    assert.equal((await chain.append('base', writer, () => ({})))!.number, 4);
  });

  it('is not begun anew in a place that has lost it, as one that is not mounted has', async () => {
    const folder = await chainOf(2);
    const chain = await openChain(at(folder));
    await rename(folder, `${folder}-away`);
    await mkdir(folder);
    await assert.rejects(chain.append('base', writer, () => ({})), { code: 'store-failed', message: /has lost chain\/0*3, which was there/ });
    assert.deepEqual(await readdir(folder), []);
    await rm(folder, { recursive: true });
    await rename(`${folder}-away`, folder);
    assert.equal((await chain.append('base', writer, () => ({})))!.number, 4);
  });

  it('is not added to by a stranger, by a writer who is revoked, nor by a writer who names writers', async () => {
    const mismatch = { code: 'repository-mismatch' };
    const folder = await chainOf(2);
    const chain = await openChain(at(folder));
    await assert.rejects(chain.append('base', stranger, () => ({})), mismatch);
    await assert.rejects(chain.append('base', { ...stranger, writer: id(writer) }, () => ({})), mismatch);
    await assert.rejects(chain.append('writers', writer, () => ({ writers: [] })), mismatch);
    const revoked = await openChain(at(await chainOf(2, 3)));
    assert.equal(revoked.entries.length, 3);
    await assert.rejects(revoked.append('base', writer, () => ({})), mismatch);
    assert.equal((await openChain(at(folder))).entries.length, 3);
  });

  for (const { title, forged } of [
    { title: 'a stranger', forged: { key: stranger, kind: 'base' } },
    { title: 'a stranger under the name of a writer', forged: { key: { ...stranger, writer: id(writer) }, kind: 'base' } },
    { title: 'a stranger under the name of the owner', forged: { key: { ...stranger, writer: owner }, kind: 'writers' } },
    { title: 'a writer who names writers', forged: { key: writer, kind: 'writers' } },
  ] as const) {
    it(`is refused with an entry by ${title}`, async () => {
      const folder = await chainOf(1);
      const { entries } = await openChain(at(folder));
      const body = encryptObject(Buffer.from('{"writers":[]}'), { repository: Buffer.from(repository, 'hex'), kind: 'entry' }, structure);
      const bytes = encodeEntry({ number: 3, previous: entries.at(-1)!.hash, epoch: 0, writer: forged.key.writer, catalog: 0, kind: forged.kind, body }, forged.key.key);
      await writeFile(join(folder, entryName(3)), bytes);
      await assert.rejects(openChain(at(folder)), refused(/chain\/0*3: it is not signed by a writer/));
    });
  }
});
