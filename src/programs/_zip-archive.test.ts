import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/programs.ts';
import { zipOf } from '../../test/support/zip.ts';
import { readZip } from './_zip-archive.ts';

async function filesOf(path: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, content } of readZip(path)) files[name] = content.toString('utf8');
  return files;
}

test('stored and deflated files come out as they went in', async (t) => {
  const path = join(temporaryFolder(t), 'a.zip');
  const files = { 'm@v1/empty': '', 'm@v1/bin/go': 'x'.repeat(100_000), 'm@v1/é.txt': 'grüße' };
  writeFileSync(path, zipOf(files));
  assert.deepEqual(await filesOf(path), files);
});

test('an archive that is cut short or is none is refused', async (t) => {
  const path = join(temporaryFolder(t), 'a.zip');
  const whole = zipOf({ 'm@v1/a': 'a'.repeat(1000), 'm@v1/b': 'b' });
  for (const bytes of [whole.subarray(0, whole.length - 30), whole.subarray(50), Buffer.from('<html>not found</html>'), Buffer.alloc(0)]) {
    writeFileSync(path, bytes);
    await assert.rejects(filesOf(path));
  }
});

test('a file that unpacks to more than the archive says is refused', async (t) => {
  const path = join(temporaryFolder(t), 'a.zip');
  const bytes = zipOf({ a: 'a'.repeat(1000) });
  bytes.writeUInt32LE(10, bytes.lastIndexOf(Buffer.from('PK\x01\x02')) + 24);
  writeFileSync(path, bytes);
  await assert.rejects(filesOf(path));
});
