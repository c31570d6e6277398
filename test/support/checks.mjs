import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const tool = (path, ...args) => [`${repository}/node_modules/${path}`, ...args];

/** Every check of the repository, the slow ones first. `run` and `fix` are arguments of Node, several where a check has several parts. */
export const checks = [
  { name: 'docs', run: [[`${repository}/test/run.mjs`, 'docs']], fix: [[`${repository}/test/support/fix-docs.ts`]] },
  { name: 'types', run: [tool('typescript/bin/tsc', '-p', '.', '--pretty', 'false')] },
  {
    name: 'unused',
    run: [tool('knip/bin/knip.js', '--no-progress', '--no-config-hints'), tool('knip/bin/knip.js', '--no-progress', '--no-config-hints', '--production')],
    fix: [tool('knip/bin/knip.js', '--fix', '--format')],
  },
  { name: 'lint', run: [tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '-f', 'unix', '.')], fix: [tool('oxlint/bin/oxlint', '--type-aware', '--fix', '.')] },
  { name: 'layers', run: [[`${repository}/test/support/layers.mjs`]] },
];

/**
 * Runs the named checks in `folder`, as many at once as there are processors, and writes one line for each as it ends; what a check printed
 * follows only where it failed. Resolves to the names of those that failed.
 */
export async function runChecks(names, { folder = repository, write = (text) => process.stdout.write(text), fix = false } = {}) {
  const waiting = checks.filter(({ name }) => names.includes(name));
  const failed = [];
  const worker = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const start = performance.now();
      const parts = (fix ? check.fix : check.run) ?? [];
      const results = await Promise.all(parts.map((args) => runNode(args, folder)));
      const passed = results.every(({ code }) => code === 0);
      if (!passed) failed.push(check.name);
      write(`${passed ? '✓' : '✗'} ${check.name.padEnd(8)} ${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s${parts.length === 0 ? ' (nothing can be mended automatically)' : ''}\n`);
      if (!passed) write(results.map(({ code, output }) => (code === 0 ? '' : `${output.trimEnd().replaceAll(/^(?=.)/gm, '    ')}\n`)).join(''));
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
  return failed;
}

function runNode(args, folder) {
  return new Promise((resolve) => {
    // A check may itself be started by a test: Node must not take it for one of that test's own files.
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const env = { ...environment, NO_COLOR: '1', FORCE_COLOR: undefined, OXLINT_TSGOLINT_PATH: `${repository}/node_modules/.bin/tsgolint` };
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
