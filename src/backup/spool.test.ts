import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { backendFile } from '../../test/support/backend-file.ts';
import { receiveSnapshot, spoolSnapshot } from './spool.ts';

const mebibyte = 1 << 20;

describe('spool', () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'kubekeep-spool-'))));
  after(() => rm(folder, { recursive: true }));

  const withTrailer = (content: Buffer) => Buffer.concat([content, createHash('sha256').update(content).digest()]);
  async function* inPieces(bytes: Buffer, length: number) {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }
  async function receive(stream: AsyncIterable<Uint8Array>, flags = 'wx+') {
    const path = join(folder, randomBytes(6).toString('hex'));
    if (flags === 'r') await writeFile(path, '');
    await using file = await open(path, flags);
    const told: number[] = [];
    const received = await receiveSnapshot(file, { path, member: 'm1', stream, now: () => 7, onWritten: (size) => told.push(size) });
    return { received, told, written: await readFile(path), read: received.size > 0 && received.read(0, received.size) };
  }

  it('takes a stream of any length in pieces of any length', async () => {
    for (const size of [0, 10, 31, 4096, mebibyte - 33, mebibyte - 32, mebibyte - 31, mebibyte, 2 * mebibyte - 16, 3 * mebibyte + 5]) {
      const content = randomBytes(size);
      const bytes = withTrailer(content);
      for (const length of [bytes.length, 32_768, size < 5000 ? 1 : 70_001]) {
        const { received, told, written, read } = await receive(inPieces(bytes, length));
        const { sha256, time } = received;
        assert.deepEqual({ size: received.size, sha256, time }, { size, sha256: createHash('sha256').update(content).digest('hex'), time: 7 });
        assert.ok(written.equals(bytes) && (!read || read.equals(content)), `${size} in pieces of ${length}`);
        assert.ok(told.every((one, index) => one <= size && one >= (told[index - 1] ?? 0)) && told.at(-1) === size, `told ${told.join()} of ${size}`);
      }
    }
  });

  it('refuses one that is cut, changed, or nothing', async () => {
    const bytes = withTrailer(randomBytes(2 * mebibyte + 100));
    const changed = (at: number) => {
      const other = Buffer.from(bytes);
      other[at]! ^= 1;
      return other;
    };
    for (const wrong of [bytes.subarray(0, -1), bytes.subarray(0, mebibyte), bytes.subarray(0, 5), Buffer.alloc(0), changed(0), changed(mebibyte - 1), changed(mebibyte), changed(bytes.length - 33), changed(bytes.length - 1)]) {
      await assert.rejects(receive(inPieces(wrong, 32_768)), { code: 'data-damaged', message: /m1.*SHA-256 differs/ });
    }
  });

  it('says what cannot be written, and gives on what the stream fails with', async () => {
    await assert.rejects(receive(inPieces(withTrailer(randomBytes(5 * mebibyte)), 32_768), 'r'), { code: 'store-failed', message: /cannot be written/ });
    async function* failing() {
      yield randomBytes(3 * mebibyte);
      throw new Error('gone');
    }
    await assert.rejects(receive(failing()), { message: 'gone' });
    await assert.rejects(spoolSnapshot(folder, { member: 'm1', stream: failing(), now: () => 7, idKey: randomBytes(32) }), { message: 'gone' });
  });

  it('refuses a backend file of which a byte is another one, wherever', async () => {
    const spooled = (bytes: Buffer) => spoolSnapshot(folder, { member: 'm1', stream: inPieces(bytes, 32_768), now: () => 7, idKey: randomBytes(32) });
    const content = backendFile(600);
    const bytes = withTrailer(content);
    await using whole = await spooled(bytes);
    assert.equal(whole.sha256, createHash('sha256').update(content).digest('hex'));
    // In both meta pages, in the middle, in the last page, in the sum itself.
    for (const places of [[16, 4112], [1_500_000], [content.length - 1], [content.length + 31]]) {
      const other = Buffer.from(bytes);
      for (const at of places) other[at]! ^= 1;
      await assert.rejects(spooled(other), { code: 'data-damaged', message: /m1.*SHA-256 differs/ }, places.join());
    }
  });

  it('refuses what is no backend file, when all of it has come', async () => {
    const stream = inPieces(withTrailer(randomBytes(3 * mebibyte)), 32_768);
    await assert.rejects(spoolSnapshot(folder, { member: 'm1', stream, now: () => 7, idKey: randomBytes(32) }), { code: 'data-damaged', message: /no.*valid meta page|neither of its two first pages/ });
  });
});
