import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { throwAwayFolder } from './throw-away-folder.ts';

describe('a folder that is thrown away', () => {
  let parent: string;
  before(async () => void (parent = await mkdtemp(join(tmpdir(), 'kubekeep-away-'))));
  after(() => rm(parent, { recursive: true }));

  it('is gone when it is disposed, with all that is in it', async () => {
    const folder = await throwAwayFolder(join(parent, 'x-'));
    await writeFile(join(folder.path, 'clear text'), 'secret');
    await folder[Symbol.asyncDispose]();
    assert.equal(existsSync(folder.path), false);
  });

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    it(`is gone when the program ends by ${signal}`, async () => {
      const script = `const { throwAwayFolder } = await import(${JSON.stringify(import.meta.resolve('./throw-away-folder.ts'))}); console.log((await throwAwayFolder(${JSON.stringify(join(parent, 'y-'))})).path); setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const path = await new Promise<string>((resolve) => child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString().trim())));
      assert.ok(existsSync(path), path);
      child.kill(signal);
      const until = performance.now() + 10_000;
      while (existsSync(path)) {
        assert.ok(performance.now() < until, `${path} is still there`);
        await systemClock.sleep(20);
      }
    });
  }
});
