// Runs tests: node test/run.mjs unit|lab|docs|all [--shard I/N] [--root FOLDER] [FILE…].
//   unit  beside the code and in test/, without root; lab and docs are its own groups
//   lab   test/lab and test/integration, as root, two files of test/integration at a time; leaves no machine behind
//   all   the checks, unit and lab
// The last line says `N passed, N failed`; the exit code is 1 where something failed or nothing ran.
import { usePinnedNode } from './support/pinned-node.mjs';

usePinnedNode();
const { parseArgs } = await import('node:util');
const { fileURLToPath } = await import('node:url');
const { runGroup, groups } = await import('./support/run-group.mjs');
const { checks, runChecks } = await import('./support/checks.mjs');

const { values, positionals } = parseArgs({ allowPositionals: true, options: { shard: { type: 'string' }, root: { type: 'string' } } });
const [what = 'all', ...files] = positionals;
const folder = values.root ?? fileURLToPath(new URL('..', import.meta.url));
const write = (text) => process.stdout.write(text);

if (what !== 'all' && !groups.includes(what)) {
  process.stderr.write(`no tests called ${what}; there are ${groups.join(', ')} and all\n`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
if (what === 'all') {
  write('checks\n');
  // The documents' tests run with the unit tests.
  const names = checks.map(({ name }) => name).filter((name) => name !== 'docs');
  const failed = await runChecks(names, { folder, write });
  add({ passed: names.length - failed.length, failed: failed.length, skipped: 0 });
}
for (const group of what === 'all' ? ['docs', 'unit', 'lab'] : [what]) {
  if (what === 'all') write(`\n${group}\n`);
  add(await runGroup(group, { folder, files, shard: values.shard, write }));
}
write(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function add({ passed, failed, skipped }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
