import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { answer, cutAfter, ignoreRange, serveFiles, stall } from '../../test/support/file-server.ts';
import type { Mishap } from '../../test/support/file-server.ts';
import { quickClock, temporaryFolder } from '../../test/support/programs.ts';
import { systemClock } from '../lib/clock.ts';
import type { ProgressEvent } from '../lib/progress.ts';
import { download } from './_download.ts';
import type { Download } from './_download.ts';

const content = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 251));

async function start(t: TestContext, mishaps: (Mishap | undefined)[] = [], options: Partial<Download> = {}) {
  const server = await serveFiles(t, { '/file': content }, mishaps);
  const events: ProgressEvent[] = [];
  const target = join(temporaryFolder(t), 'file');
  const run = (): Promise<void> => download({ url: `${server.address}/file`, target, title: 'etcd 3.7.3', clock: quickClock, progress: (event) => events.push(event), ...options });
  return { server, events, target, run };
}

test('a file arrives whole, and its bytes and speed are told', async (t) => {
  const { run, target, events } = await start(t);
  await run();
  assert.ok(readFileSync(target).equals(content));
  const last = events.at(-1)!;
  assert.deepEqual([last.type, last.bytes, last.total], ['bytes', content.length, content.length]);
  assert.match(last.detail!, /^\d+\.\d MB\/s$/);
});

const passing: Record<string, (Mishap | undefined)[]> = {
  'cut in the middle': [cutAfter(100_000)],
  'cut again and again, with some bytes each time': Array.from({ length: 9 }, () => cutAfter(30_000)),
  'answered 503, then 429': [answer(503), answer(429)],
  'cut, and the server then ignores the range': [cutAfter(100_000), ignoreRange],
};
for (const [what, mishaps] of Object.entries(passing)) {
  test(`a download that is ${what} arrives whole`, async (t) => {
    const { run, target } = await start(t, [...mishaps]);
    await run();
    assert.ok(readFileSync(target).equals(content));
  });
}

test('what is there already is not downloaded again, also by a later process', async (t) => {
  const { run, target, server } = await start(t);
  writeFileSync(target, content.subarray(0, 250_000));
  await run();
  assert.ok(readFileSync(target).equals(content));
  assert.deepEqual(server.requests, ['GET /file bytes=250000-']);
  await run();
  assert.deepEqual(server.requests.slice(1), [`GET /file bytes=${content.length}-`]);
});

test('what is longer than the file is thrown away', async (t) => {
  const { run, target } = await start(t);
  writeFileSync(target, Buffer.concat([content, content]));
  await run();
  assert.ok(readFileSync(target).equals(content));
});

test('a connection without data is given up and the rest fetched by another one', async (t) => {
  const { run, target } = await start(t, [stall], { stallLimit: 100, clock: systemClock });
  await run();
  assert.ok(readFileSync(target).equals(content));
});

const final: Record<string, { readonly mishaps: Mishap[]; readonly says: RegExp }> = {
  'is not there': { mishaps: [answer(404)], says: /etcd 3\.7\.3 is not to be had from http:.*: the server answered 404/ },
  'is forbidden': { mishaps: [answer(403)], says: /answered 403/ },
  'is a web page with status 200': { mishaps: [answer(200, 'text/html; charset=utf-8')], says: /answered with a web page/ },
  'never comes': { mishaps: Array.from({ length: 9 }, () => answer(500)), says: /could not be downloaded from http:.*: the server answered 500/ },
};
for (const [what, { mishaps, says }] of Object.entries(final)) {
  test(`a file that ${what} ends in one sentence with a hint`, async (t) => {
    const { run, target } = await start(t, [...mishaps]);
    await assert.rejects(run(), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'program-unavailable');
      assert.match(error.message, says);
      assert.ok(error.hint);
      return true;
    });
    assert.ok(!existsSync(target));
  });
}

test('a server that is not there is tried five times and then named without its password', async (t) => {
  let pauses = 0;
  const clock = { ...quickClock, sleep: async (ms: number, signal?: AbortSignal) => { if (ms < 20_000) pauses += 1; await quickClock.sleep(ms / 10, signal); } };
  const { run } = await start(t, [], { url: 'http://me:secret@127.0.0.1:1/file', clock });
  await assert.rejects(run(), (error: Error) => /127\.0\.0\.1:1\/file/.test(error.message) && !/secret/.test(error.message));
  assert.equal(pauses, 4);
});

test('a login in the address is sent to the server', async (t) => {
  let seen: string | undefined;
  const look: Mishap = (response, body, request) => {
    seen = request.headers.authorization;
    ignoreRange(response, body, request);
  };
  const server = await serveFiles(t, { '/file': content }, [look]);
  const { run } = await start(t, [], { url: `${server.address.replace('//', '//me:p%40ss@')}/file` });
  await run();
  assert.equal(seen, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
});

test('an interrupted download stops at once and keeps what it has', async (t) => {
  const interruption = new AbortController();
  const { run, target } = await start(t, [stall], { signal: interruption.signal, stallLimit: 60_000 });
  setTimeout(() => interruption.abort(), 100);
  await assert.rejects(run(), { name: 'AbortError' });
  assert.equal(readFileSync(target).length, 10);
});
