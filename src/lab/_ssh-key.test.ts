import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProcess } from '../hosts/process.ts';
import { newSshKey } from './_ssh-key.ts';

const hasKeygen = (await runProcess('sh', ['-c', 'command -v ssh-keygen'])).exitCode === 0;

test('ssh-keygen reads the private key and finds the same public key in it', { skip: !hasKeygen && 'ssh-keygen is not installed' }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kubekeep-'));
  try {
    // Comments of all lengths, since the padding follows from them.
    for (const comment of ['', 'a', 'abcdefg', 'abcdefgh', 'kubekeep-lab-x']) {
      const key = newSshKey(comment);
      const path = join(folder, `key${comment}`);
      await writeFile(path, key.privateKey, { mode: 0o600 });
      const { stdout, stderr } = await runProcess('ssh-keygen', ['-y', '-f', path]);
      assert.equal(stdout.trim(), [key.publicKey, comment].join(' ').trim(), stderr);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('each key is another one', () => {
  assert.notEqual(newSshKey('a').publicKey, newSshKey('a').publicKey);
});
