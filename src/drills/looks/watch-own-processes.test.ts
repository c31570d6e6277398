import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { needlesOf } from './needles.ts';
import { watchOwnProcesses } from './watch-own-processes.ts';

test('a secret among the arguments or in the environment of a process is told by its name, and the mark is seen', async () => {
  const [shown, hidden] = [randomBytes(36).toString('base64'), randomBytes(36).toString('base64')];
  const watch = watchOwnProcesses([...needlesOf('the token', shown), ...needlesOf('another', hidden)], randomBytes(12).toString('hex'));
  const processes = [spawn('sh', ['-c', 'read line', shown], { stdio: ['pipe', 'ignore', 'ignore'] }), spawn('sh', ['-c', 'read line'], { stdio: ['pipe', 'ignore', 'ignore'], env: { LEAK: shown } })];
  await Promise.all(processes.map((one) => once(one, 'spawn')));
  // Between the two, a process may still carry the name of this one.
  await new Promise((resolve) => setTimeout(resolve, 600));
  const { found, sawMark, looks } = await watch.stop();
  for (const one of processes) one.stdin!.end();
  assert.deepEqual(found.toSorted(), ['arguments of sh: the token', 'environment of sh: the token']);
  assert.ok(sawMark && looks >= 1);
  assert.ok(!JSON.stringify(found).includes(shown.slice(0, 8)));
});
