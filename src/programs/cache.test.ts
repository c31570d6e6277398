import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { etcdProgram, kubernetesProgram, quickClock, temporaryFolder } from '../../test/support/programs.ts';
import { openCache } from './cache.ts';
import type { ProgramCache } from './cache.ts';
import type { Program } from './program.ts';

const etcd = etcdProgram('etcd');
const sum = (text: string) => createHash('sha256').update(text).digest('hex');

function put(cache: ProgramCache, program: Program, text: string, options: Parameters<ProgramCache['add']>[2] = { origin: 'build' }) {
  const partial = cache.partialFolder(program);
  mkdirSync(partial, { recursive: true });
  const file = join(partial, 'new');
  writeFileSync(file, text);
  return cache.add(program, file, options);
}

test('a program that was added is found under its sum, executable, also by another kubekeep', async (t) => {
  const folder = temporaryFolder(t);
  await put(openCache(folder, quickClock), etcd, 'etcd');
  const found = await openCache(folder, quickClock).find(etcd);
  assert.deepEqual(found, { ...etcd, path: join(folder, 'etcd/3.7.3/linux-amd64', sum('etcd'), 'etcd'), sha256: sum('etcd'), size: 4, origins: ['build'] });
  assert.equal(readFileSync(found!.path, 'utf8'), 'etcd');
  assert.equal(statSync(found!.path).mode & 0o777, 0o755);
});

test('another version, platform or program is not found', async (t) => {
  const cache = openCache(temporaryFolder(t), quickClock);
  await put(cache, etcd, 'etcd');
  for (const other of [{ ...etcd, version: '3.7.4' }, { ...etcd, platform: 'linux-arm64' as const }, { ...etcd, name: 'etcdctl' as const }]) assert.equal(await cache.find(other), undefined);
});

test('a file with another sum than the one known before is not added', async (t) => {
  const cache = openCache(temporaryFolder(t), quickClock);
  await assert.rejects(put(cache, etcd, 'not etcd', { origin: 'release', sha256: sum('etcd') }), { code: 'program-checksum' });
  assert.equal(await cache.find(etcd), undefined);
});

test('of several entries the newest that fits is found, by sum and by source', async (t) => {
  let now = 1000;
  const cache = openCache(temporaryFolder(t), { ...quickClock, now: () => now++ });
  await put(cache, etcd, 'released', { origin: 'release' });
  await put(cache, etcd, 'built', { origin: 'build' });
  assert.equal((await cache.find(etcd))?.sha256, sum('built'));
  assert.equal((await cache.find(etcd, { origin: 'release' }))?.sha256, sum('released'));
  assert.equal((await cache.find(etcd, { sha256: sum('released') }))?.sha256, sum('released'));
  assert.equal(await cache.find(etcd, { origin: 'build', sha256: sum('released') }), undefined);
  assert.equal(await cache.find(etcd, { origin: 'directory' }), undefined);
});

test('the same bytes from two sources are one entry that fits both', async (t) => {
  const cache = openCache(temporaryFolder(t), quickClock);
  await put(cache, etcd, 'etcd', { origin: 'build' });
  await put(cache, etcd, 'etcd', { origin: 'directory' });
  assert.deepEqual((await cache.list()).map(({ origins }) => origins), [['build', 'directory']]);
  assert.ok(await cache.find(etcd, { origin: 'build' }));
});

const damages: Record<string, (path: string) => void> = {
  'changed in place': (path) => writeFileSync(path, 'evil'),
  'cut short': (path) => writeFileSync(path, 'et'),
  'without its stamp': (path) => writeFileSync(join(dirname(path), 'stamp.json'), '{'),
};
for (const [what, damage] of Object.entries(damages)) {
  test(`an entry that is ${what} is not found, and adding it again heals it`, async (t) => {
    const cache = openCache(temporaryFolder(t), quickClock);
    const { path } = await put(cache, etcd, 'etcd');
    damage(path);
    assert.equal(await cache.find(etcd), undefined);
    assert.deepEqual(await cache.list(), []);
    await put(cache, etcd, 'etcd');
    assert.equal(readFileSync((await cache.find(etcd))!.path, 'utf8'), 'etcd');
  });
}

test('a file that was only touched is read once and then trusted again', async (t) => {
  const cache = openCache(temporaryFolder(t), quickClock);
  const { path } = await put(cache, etcd, 'etcd');
  utimesSync(path, 1, 1);
  const stamp = join(dirname(path), 'stamp.json');
  const before = readFileSync(stamp, 'utf8');
  assert.ok(await cache.find(etcd));
  assert.notEqual(readFileSync(stamp, 'utf8'), before);
});

test('the list has every intact program once and nothing half-done', async (t) => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder, quickClock);
  await put(cache, kubernetesProgram('kubectl'), 'kubectl');
  await put(cache, etcd, 'etcd');
  mkdirSync(join(folder, 'etcd/3.7.3/linux-amd64/.new-0123'));
  mkdirSync(join(folder, 'etcdctl/3.7.3/linux-amd64/partial'), { recursive: true });
  writeFileSync(join(folder, 'README'), '');
  assert.deepEqual((await cache.list()).map(({ name }) => name), ['etcd', 'kubectl']);
  assert.deepEqual((await cache.list({ verify: true })).map(({ name }) => name), ['etcd', 'kubectl']);
  assert.ok(!existsSync(join(folder, 'etcd/3.7.3/linux-amd64/.new-0123')));
});

const adder = `
  const [, cacheUrl, folder, text] = process.argv;
  const { openCache } = await import(cacheUrl);
  const { mkdirSync, writeFileSync } = await import('node:fs');
  const cache = openCache(folder, { now: () => Date.now() });
  const program = { name: 'etcd', version: '3.7.3', platform: 'linux-amd64' };
  for (let n = 0; ; n++) {
    await cache.withLocks([program], async () => {
      mkdirSync(cache.partialFolder(program), { recursive: true });
      const file = cache.partialFolder(program) + '/new';
      writeFileSync(file, text.repeat(100_000) + n % 3);
      const { sha256 } = await cache.add(program, file, { origin: 'build' });
      process.stdout.write(sha256 + '\\n');
    });
  }
`;

test('a kill at any moment leaves only whole entries, and the next kubekeep goes on', async (t) => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder, quickClock);
  for (let round = 0; round < 12; round++) {
    const children = ['a', 'b'].map((text) => spawn(process.execPath, ['--input-type=module', '-e', adder, new URL('cache.ts', import.meta.url).href, folder, text], { stdio: ['ignore', 'pipe', 'inherit'] }));
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    await new Promise((resolve) => setTimeout(resolve, 7 * round));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => once(child, 'close')));
    for (const entry of await cache.list()) assert.equal(sum(readFileSync(entry.path, 'utf8')), entry.sha256);
    assert.ok(await cache.find(etcd));
  }
  await cache.withLocks([etcd], () => put(cache, etcd, 'at last'));
  const left = readdirSync(join(folder, 'etcd/3.7.3/linux-amd64')).filter((name) => name.startsWith('.'));
  assert.deepEqual(left, []);
});

test('two orders of the same programs never block each other', async (t) => {
  const cache = openCache(temporaryFolder(t), quickClock);
  const both = [etcd, kubernetesProgram('kubectl')];
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all(Array.from({ length: 6 }, (_, n) => cache.withLocks(n % 2 === 0 ? both : both.toReversed(), pause)));
});
