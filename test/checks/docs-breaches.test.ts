import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeJson } from '../support/describe-json.ts';
import { generatedPages, generatedPart } from '../support/generated-pages.ts';
import { createSkeleton } from '../support/skeleton.ts';
import { lockFileProblems, markdownProblems, unverifiedConnections } from '../support/text-problems.ts';

const print = (document: string) => `import { cli } from '../cli.ts';\n\ncli.print(${document});\n`;
const cli = 'export const cli: { print(document: { kind: string; data: object; text: string }): void } = { print: () => {} };\n';

describe('the tests of the documents', () => {
  it('report what is wrong with Markdown, and nothing else', () => {
    using skeleton = createSkeleton();
    skeleton.write({
      'README.md': '# Title here\n\n[fine](docs/page.md), [fine](docs/page.md#a-part-of-it), [fine](#title-here), [web](https://kubernetes.io/docs)\n\n`[code](is-no-link.md)` and /etc/kubernetes/pki\n',
      'docs/page.md': '## A part of it\n\n[gone](gone.md) [no such part](../README.md#elsewhere)\n\nSee src/cli/main.ts:12 and https://registry.invalid/x and /home/somebody/kubekeep/x.\n',
    });
    assert.deepEqual(markdownProblems(skeleton.folder), [
      'links-resolve: docs/page.md: gone.md',
      'links-resolve: docs/page.md: ../README.md#elsewhere',
      'no-line-numbers: docs/page.md: src/cli/main.ts:12',
      'known-web-hosts: docs/page.md: registry.invalid',
      'no-workplace-paths: docs/page.md: /home/somebody/kubekeep/x.',
    ]);
  });

  it('report each way to leave a server unverified', () => {
    using skeleton = createSkeleton();
    const lines = ['const a = { rejectUnauthorized: false };', "const b = ['-o', 'StrictHostKeyChecking=no'];", "const c = 'curl -k https://host';", "const d = '--insecure-skip-tls-verify';"];
    skeleton.write({ 'src/hosts/trusting.ts': lines.join('\n'), 'src/hosts/trusting.test.ts': lines.join('\n') });
    assert.deepEqual(unverifiedConnections(skeleton.folder), lines.map((line) => `verify-servers: src/hosts/trusting.ts: ${line}`));
  });

  it('report what is wrong with the lock file', () => {
    using skeleton = createSkeleton();
    const packages = {
      '': {},
      'node_modules/a': { resolved: 'https://host.invalid/a.tgz', integrity: 'sha512-x' },
      'node_modules/b': { version: '1.0.0' },
      'node_modules/c': { integrity: 'sha512-x', optionalDependencies: { 'c-win32-x64': '1.0.0', 'c-darwin-x64': '1.0.0', 'c-linux-x64-gnu': '1.0.0' } },
      'node_modules/c-win32-x64': { version: '1.0.0' },
      'node_modules/c-linux-x64-gnu': { version: '1.0.0' },
    };
    skeleton.write({ 'package-lock.json': JSON.stringify({ packages }) });
    assert.deepEqual(lockFileProblems(skeleton.folder), [
      'no-download-addresses: package-lock.json: node_modules/a',
      'packages-have-sums: package-lock.json: node_modules/b',
      'optional-packages-are-listed: package-lock.json: c-darwin-x64',
      'packages-have-sums: package-lock.json: node_modules/c-linux-x64-gnu',
    ]);
  });

  it('find a kind that a command prints, with its fields', () => {
    using skeleton = createSkeleton();
    skeleton.write({ 'src/cli/cli.ts': cli, 'src/cli/commands/planted.ts': print("{ kind: 'Planted', data: { hosts: ['a'] }, text: '' }") });
    const found = describeJson(`${skeleton.folder}/tsconfig.json`);
    assert.match(found, /^### Planted\n\nPrinted by `planted`\.\n[^]*\| `hosts` \| `string\[\]` \|/);
  });

  it('refuse a kind that cannot be known from the source', () => {
    using skeleton = createSkeleton();
    skeleton.write({ 'src/cli/cli.ts': cli, 'src/cli/commands/planted.ts': print("{ kind: String(1), data: {}, text: '' }") });
    assert.throws(() => describeJson(`${skeleton.folder}/tsconfig.json`), /planted prints a document whose kind is not a literal/);
  });

  for (const { path, content } of generatedPages) {
    it(`notice a line that is missing in ${path}`, async () => {
      const lines = generatedPart(path).split('\n');
      assert.ok(lines.length > 3);
      assert.notEqual(lines.toSpliced(3, 1).join('\n'), await content());
    });
  }
});
