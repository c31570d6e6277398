import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { startNode } from './child-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubekeep-child-'));
after(() => rmSync(folder, { recursive: true }));

function script(name: string, text: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, text);
  return path;
}

const echo = script('echo', `console.log(process.pid); process.stdin.on('data', (text) => process.stdout.write(text)).on('end', () => console.log('bye'));`);

test('lines go in and out, and it ends when its input closes', async () => {
  const lines: string[] = [];
  const child = startNode(echo, { onLine: (line) => lines.push(line) });
  child.write('one');
  child.write('two');
  assert.deepEqual(await child.end(10_000), { exitCode: 0, stderr: '' });
  assert.deepEqual(lines.slice(1), ['one', 'two', 'bye']);
  child.write('three');
});

test('one that fails says how', async () => {
  const child = startNode(script('fails', `console.error('no such door'); process.exitCode = 3;`), { onLine() {} });
  assert.deepEqual(await child.ended, { exitCode: 3, stderr: 'no such door' });
});

test('one that does not end is killed after the limit', async () => {
  const child = startNode(script('stays', `setInterval(() => {}, 1000);`), { onLine() {} });
  assert.equal((await child.end(300)).exitCode, 255);
});

test('it does not outlive a kubekeep that is killed', async () => {
  const parent = script('parent', `import { startNode } from ${JSON.stringify(new URL('./child-process.ts', import.meta.url).href)};
    startNode(${JSON.stringify(echo)}, { onLine: (line) => console.log(line) });`);
  const running = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = await new Promise<number>((resolve) => running.stdout.once('data', (text: Buffer) => resolve(Number(text.toString()))));
  assert.ok(existsSync(`/proc/${pid}`));
  running.kill('SIGKILL');
  for (const end = performance.now() + 10_000; existsSync(`/proc/${pid}`) && performance.now() < end; ) await systemClock.sleep(20);
  assert.ok(!existsSync(`/proc/${pid}`));
});

test('one gets arguments, tells on its standard error line by line, and can be killed', async () => {
  const told = Promise.withResolvers<string>();
  const child = startNode(script('tells', `console.error(process.argv[2]); setInterval(() => {}, 1000);`), { args: ['a b'], onLine() {}, onErrorLine: told.resolve });
  assert.equal(await told.promise, 'a b');
  child.kill('SIGKILL');
  assert.equal((await child.ended).exitCode, 255);
});
