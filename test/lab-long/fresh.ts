/**
 * The two commands of the README on a Debian on which nothing is installed: `npm run test:fresh [-- trixie|bookworm] [-- --short|--warm]`. Writes
 * docs/evidence/fresh-machine.md. Needs root and, without --short, about an hour a release on 2 cores; --short runs the checks, the unit tests and
 * the tests of the lab in place of `npm test`. --warm, for trying, starts with this computer's compiled programs and writes no page.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../src/cli/env.ts';
import { releases, type Release } from '../../src/programs/images/image-recipe.ts';
import { freshMachine, type FreshMachine } from '../support/fresh-machine.ts';
import { fromRepository } from '../support/from-repository.ts';

interface Step {
  readonly command: string;
  readonly folder?: string;
  /** What the standard output has to contain. */
  readonly expect?: RegExp;
  /** The line that goes into the page with the time; the last one where it is absent. */
  readonly show?: RegExp;
}

interface Row {
  readonly command: string;
  readonly seconds: number;
  readonly code: number;
  readonly last: string;
}

const words = process.argv.slice(2);
const chosen = releases.filter((release) => words.includes(release));
const warm = words.includes('--warm');
const short = warm || words.includes('--short');
const folder = '/root/kubekeep';
const page = fromRepository('docs/evidence/fresh-machine.md');

const tests: readonly Step[] = short
  ? [
      { command: 'npm run check', folder },
      { command: 'npm run test:unit', folder },
      { command: 'node test/run.mjs lab test/lab/lab.test.ts', folder },
    ]
  : [{ command: 'npm test', folder }];
const steps: readonly Step[] = [
  { command: 'apt-get update' },
  { command: 'apt-get install -y npm git' },
  { command: `git clone /repository ${folder} && git -C ${folder} log -1 --format=%h`, show: /^[0-9a-f]{7,}$/ },
  { command: 'echo "Node $(node --version), npm $(npm --version), Go $(go version 2> /dev/null || echo none)"' },
  { command: 'npm ci', folder },
  { command: 'npm run demo', folder, expect: /, 0 lost;/ },
  ...tests,
];

const title = `# The two commands on a fresh Debian

Made by \`npm run test:fresh\`: a root of debootstrap's smallest variant with systemd as PID 1, nothing else installed, in a container on the network of the
computer; the registries are reached as the computer reaches them. Nothing is cached: the root image of the lab's machines is made there, the Go toolchain
and every Go module are downloaded there, and Kubernetes and etcd are compiled there.
`;

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));

for (const release of chosen.length > 0 ? chosen : releases) {
  const rows = await runAll(release).catch((error: unknown) => {
    if (interruption.signal.aborted) return undefined;
    throw error;
  });
  if (!rows) {
    say('interrupted; the machine is removed');
    process.exitCode = 130;
    break;
  }
  if (!warm) await writeFile(page, withSection(await readFile(page, 'utf8').catch(() => ''), release, rows));
  if (rows.some(({ code }) => code !== 0)) process.exitCode = 1;
}

async function runAll(release: Release): Promise<readonly Row[]> {
  const rows: Row[] = [];
  say(`Debian ${release}: making a machine`);
  await using machine = await freshMachine(release, { repository: fromRepository('.'), ...(warm && { programs: join(readEnvironment().cacheFolder, 'programs') }), signal: interruption.signal });
  for (const step of steps) {
    const row = await runStep(machine, step);
    rows.push(row);
    say(`${release}: ${row.command}: ${row.code === 0 ? 'passed' : `FAILED (${row.code})`} after ${row.seconds} s: ${row.last}`);
    // Without npm there is nothing to see further on; a test may fail and the next still say something.
    if (row.code !== 0 && !tests.includes(step)) break;
  }
  return rows;
}

async function runStep(machine: FreshMachine, { command, folder: place, expect, show = /\S/ }: Step): Promise<Row> {
  say(`$ ${command}`);
  const start = performance.now();
  let output = '';
  const code = await machine.run(command, {
    ...(place && { folder: place }),
    onText: (text, stream) => {
      if (stream === 'stdout') output += text;
      process.stderr.write(text);
    },
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  const kept = expect ? expect.test(output) : true;
  return { command, seconds, code: code === 0 && !kept ? 1 : code, last: output.split('\n').findLast((line) => show.test(line))?.trim() ?? '' };
}

/** The page with the section of this release new, and those of others as they were. */
function withSection(before: string, release: Release, rows: readonly Row[]): string {
  const others = before.split(/^(?=## )/m).filter((section) => section.startsWith('## ') && !section.startsWith(heading(release)));
  const failed = rows.filter(({ code }) => code !== 0).length;
  const section = [
    heading(release),
    '',
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} shared cores at half the weight of others: ${failed === 0 ? 'every command ended with 0' : `${failed} FAILED`}.`,
    '',
    '| command | seconds | exit code | last line |',
    '| --- | --- | --- | --- |',
    ...rows.map(({ command, seconds, code, last }) => `| \`${command.replaceAll('|', '\\|')}\` | ${seconds} | ${code} | ${last.replaceAll('|', '\\|')} |`),
    '',
  ].join('\n');
  return [title, ...[...others.map((other) => `${other.trimEnd()}\n`), section].sort()].join('\n');
}

function heading(release: Release): string {
  return `## ${release === 'trixie' ? 'Debian 13 (trixie)' : 'Debian 12 (bookworm)'}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
