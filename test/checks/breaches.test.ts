import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { fromRepository } from '../support/from-repository.ts';
import { createSkeleton } from '../support/skeleton.ts';
import { forbiddenPairs, importBreaches, lintBreaches, supportingFiles, typeBreaches, unusedBreaches } from './planted.ts';

/** What `npm run check` prints for a tree, without the indentation. */
function check(folder: string, names: readonly string[]): { readonly code: number | null; readonly lines: readonly string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fromRepository('test/check.mjs'), '--root', folder, ...names], { encoding: 'utf8' });
  return { code: status, lines: `${stdout}${stderr}`.split('\n').map((line) => line.trim()) };
}

const every = ['types', 'lint', 'layers', 'unused'];

describe('the checks', () => {
  let planted: ReturnType<typeof check>;

  before(() => {
    using skeleton = createSkeleton();
    skeleton.write(supportingFiles);
    for (const { files } of [...forbiddenPairs, ...importBreaches, ...lintBreaches, ...typeBreaches, ...unusedBreaches]) skeleton.write(files);
    planted = check(skeleton.folder, every);
  });

  it('pass where nothing is wrong', () => {
    using skeleton = createSkeleton();
    const { code, lines } = check(skeleton.folder, every);
    assert.equal(code, 0, lines.join('\n'));
    assert.deepEqual(marked('✓', lines), every.toSorted());
  });

  it('end with exit code 1 and name what failed', () => {
    assert.equal(planted.code, 1);
    assert.deepEqual(marked('✗', planted.lines), every.toSorted());
  });

  it(`report each of the ${forbiddenPairs.length} imports between folders that layers.json does not allow, and none of the others`, () => {
    const reported = planted.lines.filter((line) => /^layer-\w+: src\/\w+\/to-/.test(line));
    assert.deepEqual(reported.toSorted(), forbiddenPairs.flatMap(({ expected }) => expected).toSorted());
  });

  for (const { rule, what, expected } of importBreaches) {
    it(`report ${rule}: ${what}`, () => {
      for (const line of expected) assert.ok(planted.lines.includes(line), `${line}\nnot in\n${planted.lines.filter((one) => one.startsWith(rule)).join('\n')}`);
    });
  }

  it('report no import that was not planted', () => {
    const rules = new Set(importBreaches.map(({ rule }) => rule));
    const reported = planted.lines.filter((line) => rules.has(line.split(':')[0] ?? ''));
    assert.deepEqual(reported.toSorted(), importBreaches.flatMap(({ expected }) => expected).toSorted());
  });

  for (const { rule, what, expected } of [...lintBreaches, ...typeBreaches, ...unusedBreaches]) {
    it(`report ${rule}: ${what}`, () => {
      for (const part of expected) assert.ok(planted.lines.some((line) => line.includes(part) && line.includes(rule)) || sectionOf(rule, planted.lines).some((line) => line.startsWith(part)), `${rule}, ${part}\nnot in\n${planted.lines.join('\n')}`);
    });
  }

  it('fail where a file was not read', () => {
    using skeleton = createSkeleton();
    skeleton.write({ 'src/hosts/unread.ts': 'export const unread = 1;\n' });
    const config = "import real from './real.mjs';\n\nexport default { ...real, options: { ...real.options, exclude: { path: 'unread' } } };\n";
    spawnSync('mv', ['.dependency-cruiser.mjs', 'real.mjs'], { cwd: skeleton.folder });
    skeleton.write({ '.dependency-cruiser.mjs': config });
    const { code, lines } = check(skeleton.folder, ['layers']);
    assert.equal(code, 1);
    assert.ok(lines.includes('every-file-is-read: src/hosts/unread.ts'), lines.join('\n'));
  });
});

/** The names of the checks whose line begins with a mark. */
function marked(mark: string, lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.startsWith(mark)).map((line) => line.split(/\s+/)[1] ?? '').toSorted();
}

/** knip prints a title with a number, and the entries below it. */
function sectionOf(title: string, lines: readonly string[]): readonly string[] {
  return lines.flatMap((line, start) => {
    if (!line.startsWith(`${title} (`)) return [];
    const next = lines.findIndex((other, position) => position > start && /\(\d+\)$|^$|^[✓✗]/.test(other));
    return lines.slice(start + 1, next < 0 ? undefined : next);
  });
}
