import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { etcdProgram, kubernetesProgram, sourceContext, temporaryFolder } from '../../test/support/programs.ts';
import { standInGo } from '../../test/support/stand-in-go.ts';
import { fetchPrograms } from './fetch-programs.ts';

const etcd = etcdProgram('etcd');

test('only what is missing is fetched, and the result is in the order asked for', async (t) => {
  standInGo(t, 'works');
  const { cacheFolder, clock, progress, events } = sourceContext(t);
  const options = { source: { source: 'build' }, cacheFolder, clock, progress } as const;
  await fetchPrograms([etcd], options);
  events.length = 0;
  const fetched = await fetchPrograms([etcdProgram('etcdctl'), etcd, etcdProgram('etcdctl')], options);
  assert.deepEqual(fetched.map(({ name }) => name), ['etcdctl', 'etcd', 'etcdctl']);
  assert.deepEqual(events.filter(({ type }) => type === 'started').map(({ title }) => title), ['compiling etcd 3.7.3: etcdctl']);
});

test('what is in the cache takes no time, whatever the source', async (t) => {
  standInGo(t, 'works');
  const { cacheFolder, clock, progress } = sourceContext(t);
  const wanted = [etcd, kubernetesProgram('kubelet')];
  await fetchPrograms(wanted, { source: { source: 'build' }, cacheFolder, clock, progress });
  standInGo(t, 'fails');
  const begin = performance.now();
  for (const source of ['auto', 'build'] as const) assert.equal((await fetchPrograms(wanted, { source: { source }, cacheFolder, clock, progress })).length, 2);
  assert.ok(performance.now() - begin < 500);
});

test('a damaged program is fetched again', async (t) => {
  standInGo(t, 'works');
  const { cacheFolder, clock, progress } = sourceContext(t);
  const options = { source: { source: 'build' }, cacheFolder, clock, progress } as const;
  const [first] = await fetchPrograms([etcd], options);
  writeFileSync(first!.path, 'damaged');
  const [second] = await fetchPrograms([etcd], options);
  assert.equal(readFileSync(second!.path, 'utf8'), 'server of amd64');
});

const fetcher = `
  const [, folder, cacheFolder] = process.argv;
  const { fetchPrograms } = await import(folder + '/programs/fetch-programs.ts');
  const { systemClock } = await import(folder + '/lib/clock.ts');
  const progress = ({ title }) => process.stderr.write(title + '\\n');
  const wanted = ['etcd', 'etcdctl'].map((name) => ({ name, version: '3.7.3', platform: 'linux-amd64' }));
  const fetched = await fetchPrograms(wanted, { source: { source: 'build' }, cacheFolder, clock: systemClock, progress });
  console.log(fetched.map(({ sha256 }) => sha256).join(' '));
`;

function startFetcher(cacheFolder: string) {
  return spawn(process.execPath, ['--input-type=module', '-e', fetcher, new URL('..', import.meta.url).href.replace(/\/$/, ''), cacheFolder], { stdio: ['ignore', 'pipe', 'pipe'] });
}

test('of two kubekeeps at once one compiles, and the other waits and takes the result', async (t) => {
  const { log } = standInGo(t, 'works');
  const cacheFolder = temporaryFolder(t);
  const both = [startFetcher(cacheFolder), startFetcher(cacheFolder)];
  const [a, b] = await Promise.all(both.map((child) => text(child.stdout)));
  assert.match(a!, /^[0-9a-f]{64} [0-9a-f]{64}\n$/);
  assert.equal(a, b);
  assert.equal(readFileSync(log, 'utf8'), 'build\n');
});

test('a kubekeep that is killed while it compiles takes go with it, and the waiting one goes on', async (t) => {
  const { log } = standInGo(t, 'hangs');
  const cacheFolder = temporaryFolder(t);
  const first = startFetcher(cacheFolder);
  while (!existsSync(log) || readFileSync(log, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 20));
  const works = standInGo(t, 'works');
  const second = startFetcher(cacheFolder);
  const [waiting] = (await once(second.stderr, 'data')) as [Buffer];
  assert.match(String(waiting), /another kubekeep is fetching the same programs/);
  const go = readFileSync(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8').trim();
  first.kill('SIGKILL');
  assert.match(await text(second.stdout), /^[0-9a-f]{64} /);
  assert.equal(readFileSync(works.log, 'utf8'), 'build\n');
  assert.ok(!existsSync(join('/proc', go)) || /\) Z/.test(readFileSync(join('/proc', go, 'stat'), 'utf8')));
  process.kill(Number(readFileSync(log, 'utf8')), 'SIGKILL');
});
