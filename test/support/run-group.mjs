import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { createReport } from './report.mjs';

export const groups = ['docs', 'unit', 'lab'];

const minute = 60_000;
const lab = ['test/lab/**/*.test.ts', 'test/integration/**/*.test.ts'];

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
  if (group === 'lab') await removeMachines(folder, report, 'remove machines of an earlier run');
  // A group may be started by a test: Node would otherwise take this process for one of that test's files.
  delete process.env.NODE_TEST_CONTEXT;
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort());
  const events = run({
    files: part(chosen, shard),
    cwd: folder,
    concurrency: group === 'lab' ? 1 : Math.max(2, availableParallelism()),
    timeout: group === 'lab' ? 60 * minute : 2 * minute,
    signal: interruption.signal,
  });
  for await (const event of events) report.event(event);
  if (group === 'lab') await removeMachines(folder, report, 'leave no machine behind');
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

async function removeMachines(folder, report, title) {
  const { code, output } = await new Promise((done) => {
    const child = spawn(process.execPath, ['bin/kubekeep.mjs', 'lab', 'down', '--all'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('close', (code) => done({ code, output }));
  });
  if (code !== 0) report.fail(`lab: ${title} (kubekeep lab down --all ended with ${code})`, output);
}
