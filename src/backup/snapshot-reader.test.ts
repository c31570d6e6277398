import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { backendFile, pageSize } from '../../test/support/backend-file.ts';
import { pageIds } from './page-ids.ts';
import { SnapshotReader } from './snapshot-reader.ts';

const idKey = randomBytes(32);

describe('SnapshotReader', () => {
  let folder: string;
  let descriptor: number;
  const content = Buffer.concat([backendFile(900), randomBytes(77)]);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubekeep-reader-'));
    writeFileSync(join(folder, 'db'), content);
    descriptor = openSync(join(folder, 'db'), 'r');
  });
  after(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });

  it('gives every page its id, however the file grew', async () => {
    const wanted = pageIds({ size: content.length, read: (offset, length) => content.subarray(offset, offset + length) }, { key: idKey, pageSize });
    for (const steps of [[], [1, 5000, pageSize * 300 + 7, pageSize * 300 + 8, content.length], [content.length - 1]]) {
      await using reader = new SnapshotReader({ descriptor, idKey });
      for (const size of steps) reader.grown(size);
      const { ids, ...rest } = await reader.pages(content.length);
      assert.deepEqual(rest, { pageSize, sha256: createHash('sha256').update(content).digest('hex') });
      assert.ok(Buffer.from(ids).equals(wanted), steps.join());
    }
  });

  it('gives its errors on with their codes, and goes on after them', async () => {
    await using reader = new SnapshotReader({ descriptor, idKey });
    await assert.rejects(reader.hashKv(content.length, { revision: 5, compacted: -1 }), { name: 'KubekeepError', code: 'data-damaged', message: /backend file of etcd is damaged/ });
    await assert.rejects(reader.pages(50), { code: 'data-damaged' });
    assert.equal((await reader.pages(content.length)).pageSize, pageSize);
  });

  it('rejects what is asked when the thread ends, and everything after it', async () => {
    const reader = new SnapshotReader({ descriptor, idKey });
    const asked = assert.rejects(reader.pages(content.length), { code: 'bug', message: /thread.*ended/ });
    await reader[Symbol.asyncDispose]();
    await asked;
    await assert.rejects(reader.pages(content.length), { code: 'bug', message: /thread.*ended/ });
    const failed = new SnapshotReader({ descriptor, get idKey(): Uint8Array { return undefined as never; } });
    await assert.rejects(failed.pages(content.length), { code: 'bug' });
    await failed[Symbol.asyncDispose]();
  });

  it('is not waited for once the program is interrupted', async () => {
    await using reader = new SnapshotReader({ descriptor, idKey });
    const interrupt = new AbortController();
    const asked = assert.rejects(reader.hashKv(content.length, { revision: 5, compacted: -1, signal: interrupt.signal }), { name: 'AbortError' });
    interrupt.abort();
    await asked;
    await assert.rejects(reader.hashKv(content.length, { revision: 5, compacted: -1, signal: interrupt.signal }), { name: 'AbortError' });
  });

  it('does not keep a program alive that forgot it', async () => {
    const script = join(folder, 'forgets.mjs');
    writeFileSync(script, `import { openSync } from 'node:fs';
      import { SnapshotReader } from ${JSON.stringify(new URL('./snapshot-reader.ts', import.meta.url).href)};
      const reader = new SnapshotReader({ descriptor: openSync(${JSON.stringify(join(folder, 'db'))}), idKey: new Uint8Array(32) });
      console.log((await reader.pages(${content.length})).pageSize);`);
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 60_000 });
    assert.equal(stdout.trim(), String(pageSize));
  });
});
