import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/programs.ts';
import { withFileLock } from './_file-lock.ts';

const holder = `
  const { withFileLock } = await import(process.argv[1]);
  await withFileLock(process.argv[2], () => new Promise(() => { setInterval(() => {}, 1000); console.log('held'); }));
`;

/** Another process that holds the lock until it is killed. */
async function startHolder(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder, new URL('_file-lock.ts', import.meta.url).href, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test('two users of a lock in one process take turns', async (t) => {
  const path = join(temporaryFolder(t), 'deep', 'lock');
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withFileLock(path, work)));
  assert.equal(most, 1);
});

test('the lock of another process is waited for, and a killed holder loses it at once', async (t) => {
  const path = join(temporaryFolder(t), 'lock');
  const child = await startHolder(path);
  let waited = 0;
  let done = false;
  const mine = withFileLock(path, async () => (done = true), { onWait: () => waited++ });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(done, false);
  assert.equal(waited, 1);
  child.kill('SIGKILL');
  await mine;
  assert.equal(done, true);
});

test('waiting ends when the signal fires, and the work is not begun', async (t) => {
  const path = join(temporaryFolder(t), 'lock');
  const child = await startHolder(path);
  t.after(() => child.kill('SIGKILL'));
  const interruption = new AbortController();
  setTimeout(() => interruption.abort(), 50);
  await assert.rejects(withFileLock(path, async () => assert.fail('the lock is held'), { signal: interruption.signal }), { name: 'AbortError' });
});

test('a lock whose work failed is free again', async (t) => {
  const path = join(temporaryFolder(t), 'lock');
  await assert.rejects(withFileLock(path, async () => Promise.reject(new Error('no'))), /no/);
  assert.equal(await withFileLock(path, async () => 'yes', { onWait: () => assert.fail('it is not free') }), 'yes');
});
