import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
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

for (const [words, message] of [[['--json', 'validate', '--bogus'], /^unknown option '--bogus'/], [['--json', 'constructor'], /^unknown command 'constructor'/], [['--json'], /^no command was given$/]] as const) {
  test(`a wrong command line is a document with --json: ${words.join(' ')}`, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' });
    const { error } = JSON.parse(stdout) as { readonly error: { readonly code: string; readonly message: string; readonly exitCode: number } };
    assert.match(error.message, message);
    assert.deepEqual([error.code, error.exitCode, status, stderr], ['usage', 2, 2, '']);
  });
}
