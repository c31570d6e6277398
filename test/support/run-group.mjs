import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { createReport } from './report.mjs';

export const groups = ['docs', 'unit', 'lab'];

const minute = 60_000;
const lab = ['test/lab/**/*.test.ts', 'test/integration/**/*.test.ts'];
/** Of these, what has machines: they want all processors, and much of it counts failed requests or measures how long something is away. */
const alone = /\/test\/lab\//;
/** So many files are run once more where they failed, since a starved computer loses requests and misses times. More are no accident. */
const mostAgain = 3;

/**
 * Runs a group of test files, each in a process of its own, and writes a report while it goes. Resolves to the numbers of tests; a group
 * without a test counts as failed, and so does a file without one.
 */
export async function runGroup(group, { folder, files = [], shard, write }) {
  const chosen = files.length > 0 ? files.map((file) => resolve(file)) : filesOf(group, folder);
  const report = createReport({ folder, write, everyTest: group === 'lab' });
  if (chosen.length === 0) report.fail(`${group}: no test file`, '');
  if (group === 'lab' && process.getuid?.() !== 0) {
    report.fail('lab: needs root on this computer (npm run test:unit does not)', '');
    return report.end();
  }
  // Somebody who runs a single file may have labs of their own, and what it needs.
  const whole = group === 'lab' && files.length === 0;
  if (whole && !(await prepareLab({ folder, report, write }))) return report.end();
  // A group may be started by a test: Node would otherwise take this process for one of that test's files.
  delete process.env.NODE_TEST_CONTEXT;
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort());
  const mine = part(chosen, shard);
  const together = { files: mine.filter((file) => !alone.test(file)), concurrency: group === 'lab' ? 2 : Math.max(2, availableParallelism()) };
  const timeout = group === 'lab' ? 20 * minute : 2 * minute;
  const { signal } = interruption;
  const runFiles = async (pass) => {
    if (pass.files.length > 0) for await (const event of run({ ...pass, cwd: folder, timeout, signal })) report.event(event);
  };
  const runAlone = async (file) => {
    await runFiles({ files: [file], concurrency: 1 });
    // What was given up in the middle has machines that would take the next one's processors.
    if (whole && !signal.aborted && report.failedFiles().includes(file)) await kubekeep({ folder, report, write }, 'remove what a failed file left', 'lab down --all');
  };
  await runFiles(together);
  for (const file of mine.filter((file) => alone.test(file))) if (!signal.aborted) await runAlone(file);
  const again = signal.aborted ? [] : report.failedFiles();
  if (again.length <= mostAgain) for (const file of again) {
    report.again(file);
    await runAlone(file);
  }
  if (whole) await kubekeep({ folder, report, write }, 'leave no machine behind', 'lab down --all');
  return report.end();
}

function filesOf(group, folder) {
  const find = (patterns) => globSync(patterns, { cwd: folder }).sort();
  if (group === 'lab') return find(lab).map((file) => resolve(folder, file));
  if (group === 'docs') return find('test/docs/**/*.test.ts').map((file) => resolve(folder, file));
  const others = new Set(find([...lab, 'test/docs/**/*.test.ts']));
  return find(['src/**/*.test.ts', 'test/**/*.test.ts']).filter((file) => !others.has(file)).map((file) => resolve(folder, file));
}

/** Every N-th file, so that the shards together run each file once. */
function part(files, shard = '1/1') {
  const [index, count] = shard.split('/').map(Number);
  return files.filter((_, position) => position % count === index - 1);
}

/** Removes what an earlier run left, and gets programs and the root image once, where it can be watched. Resolves to whether all of it worked. */
async function prepareLab(context) {
  const place = mkdtempSync('/var/tmp/kubekeep-prepare-');
  try {
    return (
      (await kubekeep(context, 'remove machines of an earlier run', 'lab down --all')) &&
      (await removeKilledLabs(context)) &&
      (await kubekeep(context, 'get the programs', 'programs fetch --yes')) &&
      (await kubekeep(context, 'make a machine', `lab up --yes --name test-prepare --topology T1 --dir ${join(place, 'lab')}`)) &&
      (await kubekeep(context, 'remove the machine', 'lab down --name test-prepare'))
    );
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const removeKilledLabs = (context) => runNode(context, 'remove machines of tests that were killed', ['test/support/remove-killed-labs.ts']);

/** Runs kubekeep itself. */
const kubekeep = (context, title, words) => runNode(context, title, ['bin/kubekeep.mjs', ...words.split(' ')]);

/** With its progress going through. Where it fails, that counts as one test failed. */
async function runNode({ folder, report, write }, title, words) {
  const code = await new Promise((done) => {
    const child = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', write);
    child.on('close', done);
  });
  if (code !== 0) report.fail(`lab: ${title} (${words.join(' ')} ended with ${code})`, '');
  return code === 0;
}
