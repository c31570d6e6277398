import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromRepository } from '../../test/support/from-repository.ts';
import { etcdProgram, kubernetesProgram, sourceContext } from '../../test/support/programs.ts';
import { standInGo } from '../../test/support/stand-in-go.ts';
import { buildRecipe } from './build-recipes.ts';
import { buildSource } from './build-source.ts';
import { defaultVersions, familyOf, programNames } from './program.ts';

test('the default version of every program can be compiled: pinned, and named as a tool so that go.sum covers it', () => {
  for (const name of programNames) {
    const recipe = buildRecipe(familyOf(name), defaultVersions[familyOf(name)]);
    const goMod = readFileSync(`${recipe.folder}/go.mod`, 'utf8');
    assert.ok(existsSync(`${recipe.folder}/go.sum`));
    assert.match(goMod, new RegExp(`^(tool )?\\s*${recipe.packages[name]!}$`, 'm'), `${name} is not in ${recipe.folder}go.mod`);
  }
});

test('each pinned folder pins the version of its name', () => {
  for (const folder of globSync('pins/build/*', { cwd: fromRepository('.') })) {
    const [, family = '', version = ''] = /(\w+)-([\d.]+)$/.exec(folder)!;
    const module = { etcd: 'go.etcd.io/etcd/server/v3', coredns: 'github.com/coredns/coredns', kubernetes: 'k8s.io/kubernetes' }[family]!;
    assert.match(readFileSync(fromRepository(`${folder}/go.mod`), 'utf8'), new RegExp(`^module kubekeep\\.dev/build/${family}$[^]*\\s${module} v${version.replaceAll('.', '\\.')} `, 'm'));
    assert.ok(readFileSync(fromRepository(`${folder}/go.sum`), 'utf8').includes(`${module} v${version} h1:`));
  }
});

test('all missing programs of a family are compiled by one run of go', async (t) => {
  const { log } = standInGo(t, 'works');
  const context = sourceContext(t);
  const wanted = [kubernetesProgram('kubelet'), etcdProgram('etcd'), kubernetesProgram('kubectl'), etcdProgram('etcdctl')];
  const built = await buildSource.fetch(wanted, context);
  assert.deepEqual(built.map(({ name }) => name), ['kubelet', 'etcd', 'kubectl', 'etcdctl']);
  // The package of the server is not called etcd.
  assert.equal(readFileSync(built[1]!.path, 'utf8'), 'server of amd64');
  assert.equal(readFileSync(log, 'utf8'), 'build\nbuild\n');
  const titles = context.events.filter(({ type }) => type === 'started').map(({ title }) => title);
  assert.deepEqual(titles, ['compiling kubernetes 1.37.2: kubelet, kubectl', 'compiling etcd 3.7.3: etcd, etcdctl']);
});

test('what is temporary lies in the cache, since /tmp may be memory, and is gone afterwards', async (t) => {
  const { log } = standInGo(t, 'works');
  const context = sourceContext(t);
  await buildSource.fetch([etcdProgram('etcdctl')], context);
  const place = readFileSync(`${log}.place`, 'utf8').trim();
  assert.ok(place.startsWith(`${context.cacheFolder}/`), place);
  assert.ok(!existsSync(place));
});

test('programs for another architecture are compiled for that one', async (t) => {
  standInGo(t, 'works');
  const [built] = await buildSource.fetch([{ ...etcdProgram('etcdctl'), platform: 'linux-arm64' }], sourceContext(t));
  assert.equal(readFileSync(built!.path, 'utf8'), 'etcdctl of arm64');
});

test('a version without pins is refused before anything is compiled', async (t) => {
  const { log } = standInGo(t, 'works');
  const wanted = [kubernetesProgram('kubectl'), { ...etcdProgram('etcd'), version: '3.7.99' }];
  await assert.rejects(buildSource.fetch(wanted, sourceContext(t)), { code: 'program-unavailable', message: /^etcd 3\.7\.99 cannot be compiled/ });
  assert.ok(!existsSync(log));
});

test('a failed build shows the compiler\'s words and leaves nothing behind', async (t) => {
  standInGo(t, 'fails');
  const context = sourceContext(t);
  const wanted = etcdProgram('etcd');
  await assert.rejects(buildSource.fetch([wanted], context), { code: 'build-failed', message: 'compiling etcd 3.7.3: etcd failed: a.go:1:2: undefined: b' });
  assert.deepEqual(await context.cache.list(), []);
  assert.ok(!existsSync(context.cache.partialFolder(wanted)));
});

test('an interruption ends the compiler and what it started', async (t) => {
  const { log } = standInGo(t, 'hangs');
  const interruption = new AbortController();
  const context = { ...sourceContext(t), signal: interruption.signal };
  const building = buildSource.fetch([etcdProgram('etcd')], context);
  while (!existsSync(log) || readFileSync(log, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 20));
  interruption.abort();
  await assert.rejects(building, { name: 'AbortError' });
  const compiler = Number(readFileSync(log, 'utf8'));
  await assert.doesNotReject(gone(compiler));
});

async function gone(pid: number): Promise<void> {
  for (let n = 0; n < 100; n++) {
    const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0] : 'X';
    if (state === 'X' || state === 'Z') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`process ${pid} is still running`);
}
