// The repository's checks: node test/check.mjs [NAME…] [--fix] [--root FOLDER]. Without a name, all of them.
import { parseArgs } from 'node:util';
import { usePinnedNode } from './support/pinned-node.mjs';

usePinnedNode();
const { checks, runChecks } = await import('./support/checks.mjs');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { fix: { type: 'boolean' }, root: { type: 'string' } } });

const known = checks.map(({ name }) => name);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no check called ${unknown.join(', ')}; there are ${known.join(', ')}\n`);
  process.exitCode = 2;
} else {
  const failed = await runChecks(positionals.length > 0 ? positionals : known, { folder: values.root, fix: values.fix });
  process.stdout.write(failed.length > 0 ? `failed: ${failed.join(', ')}\n` : '');
  process.exitCode = failed.length > 0 ? 1 : 0;
}
