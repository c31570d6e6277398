import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fromRepository } from '../support/from-repository.ts';
import { createSkeleton } from '../support/skeleton.ts';

const passing = (title: string) => `import { it } from 'node:test';\n\nit('${title}', () => {});\n`;

function run(files: Readonly<Record<string, string>>, ...words: readonly string[]) {
  using skeleton = createSkeleton();
  skeleton.write(files);
  const { status, stdout } = spawnSync(process.execPath, [fromRepository('test/run.mjs'), ...words, '--root', skeleton.folder], { encoding: 'utf8' });
  return { code: status, last: stdout.trimEnd().split('\n').at(-1), output: stdout };
}

describe('the test runner', () => {
  it('sums up on its last line and ends with 0 where everything passed', () => {
    const { code, last } = run({ 'src/hosts/a.test.ts': passing('one'), 'test/support/b.test.ts': passing('two') }, 'unit');
    assert.deepEqual({ code, last }, { code: 0, last: '2 passed, 0 failed' });
  });

  it('shows what failed, counts what was skipped, and ends with 1', () => {
    const failing = "import assert from 'node:assert/strict';\nimport { it } from 'node:test';\n\nit('adds', () => assert.equal(1 + 1, 3));\nit.skip('later', () => {});\n";
    const { code, last, output } = run({ 'src/hosts/a.test.ts': passing('one'), 'src/hosts/b.test.ts': failing }, 'unit');
    assert.deepEqual({ code, last }, { code: 1, last: '1 passed, 1 failed, 1 skipped' });
    assert.match(output, /src\/hosts\/b\.test\.ts: adds[^]*2 !== 3/);
  });

  for (const { what, text, says } of [
    { what: 'a file that cannot be loaded', text: "throw new Error('not today');\n", says: /not today/ },
    { what: 'a file without a test', text: 'export {};\n', says: /there is no test in this file/ },
    { what: 'a suite whose preparation fails', text: "import { before, describe, it } from 'node:test';\n\ndescribe('s', () => {\n  before(() => { throw new Error('no ground'); });\n  it('stands', () => {});\n});\n", says: /no ground/ },
  ]) {
    it(`fails for ${what}`, () => {
      const { code, output } = run({ 'src/hosts/a.test.ts': text }, 'unit');
      assert.equal(code, 1);
      assert.match(output, says);
    });
  }

  it('fails where there is nothing to run', () => {
    const { code, last } = run({}, 'unit');
    assert.deepEqual({ code, last }, { code: 1, last: '0 passed, 1 failed' });
  });

  it('leaves what needs machines to the lab', () => {
    const { last, output } = run({ 'src/hosts/a.test.ts': passing('one'), 'test/lab/b.test.ts': passing('two'), 'test/integration/c.test.ts': passing('three') }, 'unit');
    assert.equal(last, '1 passed, 0 failed', output);
  });

  it('runs a file of the lab once more where it failed, says so, and counts what that gives', { skip: process.getuid?.() !== 0 && 'the lab is for root' }, () => {
    const fallsOnce = (later: string) => `import { existsSync, writeFileSync } from 'node:fs';\nimport { it } from 'node:test';\n\nit('stands', () => {\n  const first = !existsSync('been-here');\n  writeFileSync('been-here', '');\n  if (first) throw new Error('starved');\n${later}});\nit('lies', () => {});\n`;
    for (const { later, code, last } of [{ later: '', code: 0, last: '3 passed, 0 failed' }, { later: "  throw new Error('fell');\n", code: 1, last: '2 passed, 1 failed' }]) {
      using skeleton = createSkeleton();
      skeleton.write({ 'test/integration/a.test.ts': fallsOnce(later), 'test/integration/b.test.ts': passing('three') });
      const ended = spawnSync(process.execPath, [fromRepository('test/run.mjs'), 'lab', 'test/integration/a.test.ts', 'test/integration/b.test.ts', '--root', skeleton.folder], { cwd: skeleton.folder, encoding: 'utf8' });
      assert.deepEqual({ code: ended.status, last: ended.stdout.trimEnd().split('\n').at(-1) }, { code, last }, ended.stdout);
      assert.match(ended.stdout, /a\.test\.ts is run once more/);
      assert.equal(/failed at first[^]*stands[^]*starved/.test(ended.stdout), code === 0);
    }
  });

  it('runs each file in exactly one shard', () => {
    const files = Object.fromEntries(['a', 'b', 'c'].map((name) => [`src/hosts/${name}.test.ts`, passing(name)]));
    assert.deepEqual(['1/2', '2/2'].map((shard) => run(files, 'unit', '--shard', shard).last), ['2 passed, 0 failed', '1 passed, 0 failed']);
  });
});
