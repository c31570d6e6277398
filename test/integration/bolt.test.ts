import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openBolt, type ReadAt } from '../../src/bolt/bolt-file.ts';
import { hashKvOf, livingKeys, revisionsOf } from '../../src/bolt/key-space.ts';
import { newestValues } from '../../src/bolt/newest-values.ts';
import { scanBucket } from '../../src/bolt/scan-bucket.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';
import { fuzzBolt } from '../support/bolt-fuzz.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';
import { writtenFile } from '../support/written-file.ts';

const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? 7);

describe(`a backend file of a real etcd (KUBEKEEP_TEST_SEED=${seed})`, () => {
  let folder: string;
  let etcd: LoneEtcd;
  const files: ReadAt[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-bolt-'));
    etcd = await loneEtcd(folder);
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('has the revision and the hash that the member says, after any puts, deletes and compactions', async () => {
    const draw = seededDraw(seed);
    const below = (limit: number) => Math.floor(draw() * limit);
    for (let round = 0; round < 8; round++) {
      for (let write = 0; write < 12; write++) {
        const keys = Array.from({ length: 1 + below(12) }, () => `/registry/things/${below(60)}`);
        await etcd.write(Object.fromEntries(keys.map((key) => [key, round === 5 || below(4) === 0 ? undefined : 'v'.repeat(below(3000))])));
      }
      const { revision } = await etcd.client.status();
      if (round % 3 === 1) await etcd.compact(revision - below(8));
      const file = await etcd.snapshotFile();
      files.push(file);
      assert.equal(revisionsOf(openBolt(file)).current, revision);
      const answer = await etcd.client.hashKv(revision);
      assert.equal(await hashKvOf(openBolt(file), revision, answer.compactRevision), answer.hash, `round ${round}`);
    }
  });

  it('has the same rows for who reads its pages in any order, and the newest value of each key', async () => {
    for (const file of files) {
      const pages = { size: file.size, place: (offset: number) => (offset / 4096) % 7, read: async (offset: number, length: number) => Buffer.from(file.read(offset, length)) };
      const rows = (await Array.fromAsync(scanBucket(pages, 'key'))).flat().map(({ key, value }) => `${key.toString('hex')} ${value.toString('hex')}`);
      assert.deepEqual(rows.toSorted(), [...openBolt(file).rows('key')].map(({ key, value }) => `${key.toString('hex')} ${value.toString('hex')}`).toSorted());
      const values = await newestValues(pages, (key) => !key.endsWith('7'));
      const living = await livingKeys(openBolt(file));
      assert.deepEqual(new Map([...values].map(([key, { revision }]) => [key, revision])), new Map([...living].filter(([key]) => !key.endsWith('7'))));
      assert.ok([...values.values()].every(({ value }) => /^v*$/.test(value.toString())));
    }
    assert.ok(files.some(({ size }) => size > 20 * 4096));
  });

  it('that another program wrote is refused by the bucket that it does not have', async () => {
    const [file] = files;
    const pages = { size: file!.size, place: () => 0, read: async (offset: number, length: number) => Buffer.from(file!.read(offset, length)) };
    await assert.rejects(Array.fromAsync(scanBucket(pages, 'v1')), { code: 'data-damaged', message: /it has no bucket v1/ });
  });

  it('that is broken in any way gives an error that says where, or what it had, and never hangs', async () => {
    const { refused, read } = await fuzzBolt(await writtenFile(etcd, seed), { seed, count: 800 });
    assert.ok(refused > 100 && read > 100, `${refused} refused, ${read} read`);
  });

  it('whose revisions are too short to be any is refused', async () => {
    const whole = files.at(-1)!;
    const bytes = Buffer.from(whole.read(0, whole.size));
    const pageSize = 4096;
    for (let at = 2 * pageSize; at < bytes.length; at += pageSize) {
      const isLeaf = bytes.readUInt16LE(at + 8) === 2 && bytes.readUInt16LE(at + 10) > 0;
      const keyLength = at + 16 + 8;
      if (!isLeaf || bytes.readUInt32LE(keyLength) < 17) continue;
      // What belonged to the key belongs to the value: so the row ends where it did.
      bytes.writeUInt32LE(bytes.readUInt32LE(keyLength + 4) + bytes.readUInt32LE(keyLength) - 3, keyLength + 4);
      bytes.writeUInt32LE(3, keyLength);
    }
    const source: ReadAt = { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
    await assert.rejects(hashKvOf(openBolt(source), Number.MAX_SAFE_INTEGER, -1), { code: 'data-damaged', message: /a revision has 3 bytes only/ });
  });
});
