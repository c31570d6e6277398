import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

for (const [words, code] of [[['validate', '--help'], 0], [['validate', '--file', '/none'], 2]] as const) {
  test(`a program whose output nobody reads any more ends as it would have: ${words.join(' ')}`, async () => {
    const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    child.stderr.destroy();
    assert.deepEqual(await once(child, 'exit'), [code, null]);
  });
}
