import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { etcdProgram, sourceContext, temporaryFolder } from '../../test/support/programs.ts';
import { directorySource } from './directory-source.ts';
import { fetchPrograms } from './fetch-programs.ts';

const etcd = etcdProgram('etcd');
const etcdctl = etcdProgram('etcdctl');
const etcdPath = 'etcd/3.7.3/linux-amd64/etcd';

function directoryWith(t: TestContext, ...names: ('etcd' | 'etcdctl')[]): string {
  const folder = temporaryFolder(t);
  for (const name of names) {
    mkdirSync(join(folder, `${name}/3.7.3/linux-amd64`), { recursive: true });
    writeFileSync(join(folder, `${name}/3.7.3/linux-amd64/${name}`), `${name} from a folder`);
  }
  writeSums(folder);
  return folder;
}

/** As the hints say. */
function writeSums(folder: string): void {
  execFileSync('sh', ['-c', 'sha256sum */*/*/* > SHA256SUMS'], { cwd: folder });
}

test('programs are copied out of a folder that was made as the hints say', async (t) => {
  const context = sourceContext(t);
  const fetched = await directorySource(directoryWith(t, 'etcd', 'etcdctl')).fetch([etcdctl, etcd], context);
  assert.deepEqual(fetched.map(({ name }) => name), ['etcdctl', 'etcd']);
  assert.ok(await context.cache.find(etcd, { origin: 'directory' }));
});

const problems: Record<string, { readonly spoil: (folder: string) => void; readonly code: string; readonly says: RegExp }> = {
  'no SHA256SUMS': { spoil: (folder) => rmSync(join(folder, 'SHA256SUMS')), code: 'program-unavailable', says: /SHA256SUMS is missing or cannot be read$/ },
  'a SHA256SUMS without the program': { spoil: (folder) => writeFileSync(join(folder, 'SHA256SUMS'), ''), code: 'program-unavailable', says: /SHA256SUMS does not list etcd\/3\.7\.3\/linux-amd64\/etcd$/ },
  'a sum but no file': { spoil: (folder) => rmSync(join(folder, etcdPath)), code: 'program-unavailable', says: /etcd\/3\.7\.3\/linux-amd64\/etcd is listed in SHA256SUMS but cannot be read$/ },
  'a file that does not fit its sum': { spoil: (folder) => writeFileSync(join(folder, etcdPath), 'other'), code: 'program-checksum', says: /etcd does not have the SHA-256 that SHA256SUMS lists/ },
};
for (const [what, { spoil, code, says }] of Object.entries(problems)) {
  test(`a folder with ${what} is refused in one sentence with a hint`, async (t) => {
    const context = sourceContext(t);
    const folder = directoryWith(t, 'etcd');
    spoil(folder);
    await assert.rejects(directorySource(folder).fetch([etcd], context), (error: Error & { code: string; hint: string }) => error.code === code && says.test(error.message) && error.hint.length > 0);
    assert.deepEqual(await context.cache.list(), []);
  });
}

test('a missing sum is found before anything is copied', async (t) => {
  const context = sourceContext(t);
  await assert.rejects(directorySource(directoryWith(t, 'etcd')).fetch([etcd, etcdctl], context), { code: 'program-unavailable' });
  assert.deepEqual(await context.cache.list(), []);
});

test('source directory without a folder is a usage error', async (t) => {
  await assert.rejects(directorySource(undefined).fetch([etcd], sourceContext(t)), { code: 'usage' });
});

test('what is in the cache is used without the folder, and a corrected folder replaces it', async (t) => {
  const { cacheFolder, progress, clock } = sourceContext(t);
  const directory = directoryWith(t, 'etcd');
  const fetch = () => fetchPrograms([etcd], { source: { source: 'directory', directory }, cacheFolder, progress, clock });
  const [first] = await fetch();
  writeFileSync(join(directory, etcdPath), 'corrected');
  writeSums(directory);
  const [second] = await fetch();
  assert.notEqual(second?.sha256, first?.sha256);
  rmSync(directory, { recursive: true });
  assert.equal((await fetch())[0]?.sha256, second?.sha256);
});
