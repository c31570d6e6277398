import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layOutLab } from './layout.ts';
import { sshArguments } from './ssh-arguments.ts';

const lab = layOutLab({ name: 'a', directory: '/labs/a', image: '/i', machines: [{ name: 'cp1' }], subnetNumber: 0, runtimeFolder: '/run/x', hostKeys: [''] });

test('a session uses the key of the lab, accepts only the known host key and nothing of the user', () => {
  const line = sshArguments(lab, 'cp1').join(' ');
  for (const part of ['-F /dev/null', '-i /labs/a/ssh/id_ed25519', 'StrictHostKeyChecking=yes', 'UserKnownHostsFile="/labs/a/ssh/known_hosts"', '-p 22 root@198.18.0.11']) assert.ok(line.includes(part), part);
});

const commands: readonly [title: string, words: readonly string[], sent: readonly string[]][] = [
  ['no command opens a shell', [], []],
  ['one word is shell text', ['ls /etc | wc -l'], ['ls /etc | wc -l']],
  ['several words arrive as they are', ['printf', '%s', 'a b', "it's"], [`printf %s 'a b' 'it'\\''s'`]],
];
for (const [title, words, sent] of commands) {
  test(title, () => assert.deepEqual(sshArguments(lab, 'cp1', words).slice(sshArguments(lab, 'cp1').length), sent));
}

test('a machine that is not there is an error that names those that are', () => {
  assert.throws(() => sshArguments(lab, 'cp9'), { code: 'lab-missing', hint: /cp1/ });
});
