import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLocked, withLock } from './_lock.ts';

const scope = (name: string) => ({ scope: name, runtimeFolder: `/test/${process.pid}` });

test('two that want the same lock work one after the other', async () => {
  const order: string[] = [];
  const work = (name: string) => withLock(scope('order'), async () => {
    order.push(`${name} begins`);
    await sleep(60);
    order.push(`${name} ends`);
  });
  await Promise.all([work('one'), work('two')]);
  assert.deepEqual(order.map((line) => line.split(' ')[1]), ['begins', 'ends', 'begins', 'ends']);
});

test('other scopes and other run-time folders do not wait', async () => {
  await withLock(scope('held'), async () => {
    assert.equal(await isLocked(scope('held')), true);
    assert.equal(await isLocked(scope('free')), false);
    assert.equal(await isLocked({ scope: 'held', runtimeFolder: '/test/other' }), false);
  });
  assert.equal(await isLocked(scope('held')), false);
});

test('the lock is free after the work failed', async () => {
  await assert.rejects(withLock(scope('failing'), () => Promise.reject(new Error('no'))), /no/);
  assert.equal(await isLocked(scope('failing')), false);
});

test('who does not get the lock is told what is being worked on', async () => {
  await withLock(scope('lab a'), async () => {
    await assert.rejects(withLock({ ...scope('lab a'), patience: 50 }, () => Promise.resolve()), { code: 'lab-failed', message: /working on lab a/ });
  });
});

test('the lock of a process that was killed is free at once', async () => {
  const holder = `
    import { withLock } from ${JSON.stringify(new URL('_lock.ts', import.meta.url).href)};
    await withLock(${JSON.stringify(scope('killed'))}, () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  assert.equal(await isLocked(scope('killed')), true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await isLocked(scope('killed')), false);
});
