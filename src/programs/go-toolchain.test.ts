import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { serveFiles } from '../../test/support/file-server.ts';
import { fromRepository } from '../../test/support/from-repository.ts';
import { sourceContext } from '../../test/support/programs.ts';
import { standInGo } from '../../test/support/stand-in-go.ts';
import { zipOf } from '../../test/support/zip.ts';
import { findGo } from './go-toolchain.ts';
import { platformOf } from './program.ts';

const { version, sums } = JSON.parse(readFileSync(fromRepository('pins/toolchain.json'), 'utf8')) as { version: string; sums: Record<string, string> };
const module = `v0.0.1-${version}.${platformOf(process.arch)}`;
const path = `/golang.org/toolchain/@v/${module}.zip`;

/** As on a computer without Go, with GOPROXY set as given. */
function withoutGo(t: TestContext, proxy: string): void {
  const before = { PATH: process.env['PATH'], GOPROXY: process.env['GOPROXY'] };
  Object.assign(process.env, { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', GOPROXY: proxy });
  t.after(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

test('the pins name a toolchain for every architecture', () => {
  assert.match(version, /^go1\.26\.\d+$/);
  assert.deepEqual(Object.keys(sums), ['linux-amd64', 'linux-arm64']);
  for (const sum of Object.values(sums)) assert.match(sum, /^h1:[A-Za-z0-9+/]{43}=$/);
});

for (const own of ['go1.26.0', 'go1.27.1', 'go2.0.0']) {
  test(`a computer's own ${own} is used`, async (t) => {
    standInGo(t, 'works', own);
    assert.equal(await findGo(sourceContext(t)), 'go');
  });
}

test('a toolchain with another sum than the pinned one is not used, and nothing of it is kept', async (t) => {
  const prefix = `golang.org/toolchain@${module}`;
  const { address } = await serveFiles(t, { [path]: zipOf({ [`${prefix}/bin/go`]: 'evil' }) });
  withoutGo(t, address);
  const context = sourceContext(t);
  await assert.rejects(findGo(context), { code: 'program-checksum', message: /has the sum h1:.* and not h1:/ });
  assert.deepEqual(readdirSync(join(context.cacheFolder, 'toolchains')).filter((name) => !name.endsWith('.lock')), []);
});

test('no file of an archive is written outside its folder', async (t) => {
  const { address } = await serveFiles(t, { [path]: zipOf({ [`golang.org/toolchain@${module}/../../../evil`]: 'evil' }) });
  withoutGo(t, address);
  const context = sourceContext(t);
  await assert.rejects(findGo(context), { code: 'program-checksum' });
  assert.ok(!existsSync(join(context.cacheFolder, '..', 'evil')));
  assert.ok(!existsSync(join(context.cacheFolder, 'evil')));
});

test('a damaged beginning that an earlier run left is downloaded again from the start', async (t) => {
  const archive = zipOf({ [`golang.org/toolchain@${module}/bin/go`]: 'evil' });
  const { address, requests } = await serveFiles(t, { [path]: archive });
  withoutGo(t, address);
  const context = sourceContext(t);
  mkdirSync(join(context.cacheFolder, 'toolchains'));
  writeFileSync(join(context.cacheFolder, 'toolchains', `${version}.${platformOf(process.arch)}.zip`), Buffer.alloc(20));
  await assert.rejects(findGo(context), { code: 'program-checksum' });
  assert.deepEqual(requests, [`GET ${path} bytes=20-`, `GET ${path}`]);
});

test('the proxies of GOPROXY are asked one after the other', async (t) => {
  const first = await serveFiles(t, {});
  const second = await serveFiles(t, { [path]: zipOf({ 'x/y': '' }) });
  withoutGo(t, `${first.address},direct|${second.address}/`);
  await assert.rejects(findGo(sourceContext(t)), { code: 'program-checksum' });
  assert.deepEqual([first.requests.length, second.requests.length], [1, 1]);
});

for (const proxy of ['off', 'direct']) {
  test(`with GOPROXY=${proxy} the error says so`, async (t) => {
    withoutGo(t, proxy);
    await assert.rejects(findGo(sourceContext(t)), { code: 'program-unavailable', message: /GOPROXY names no proxy/, hint: /GOPROXY/ });
  });
}
