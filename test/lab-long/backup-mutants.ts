/**
 * Breaks backups and restores on purpose, one line of the source at a time in a copy of it, and looks whether the tests that should find it do, and whether they pass on the copy as it is. Writes
 * docs/evidence/backup-mutants.md. A part of `npm run test:mutants`, which takes `-- --only M9,M12`. About fifteen minutes; needs root.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { backupMutants } from '../support/backup-mutants.ts';
import { fromRepository } from '../support/from-repository.ts';

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const chosen = backupMutants.filter(({ id }) => values.only === undefined || values.only.split(',').includes(id));
const load = loadavg()[0]!;
const healthy = new Map<string, boolean>();
const rows: string[] = [];
let bad = 0;
const folder = await mkdtemp(join(tmpdir(), 'kubekeep-mutants-'));
try {
  await copyTo(folder);
  for (const { id, title, file, from, to, caughtBy } of chosen) {
    if (!healthy.has(caughtBy)) healthy.set(caughtBy, (await run(caughtBy)).passed);
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`);
    await writeFile(path, text.replace(from, () => to));
    const { passed, failure } = await run(caughtBy);
    await writeFile(path, text);
    const caught = !passed && healthy.get(caughtBy) === true;
    if (!caught) bad++;
    const verdict = caught ? 'caught' : healthy.get(caughtBy) ? 'SURVIVED' : 'not shown: the tests fail without it';
    rows.push(`| ${[id, title, `\`${caughtBy}\``, failure, verdict].map((cell) => cell.replaceAll('|', '/')).join(' | ')} |`);
    process.stderr.write(`${rows.at(-1)!}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (values.only === undefined) await writeFile(fromRepository('docs/evidence/backup-mutants.md'), page());
process.stderr.write(`${rows.length} mutants: ${rows.length - bad} caught; ${bad} failed\n`);
process.exitCode = bad > 0 || rows.length === 0 ? 1 : 0;

async function copyTo(target: string): Promise<void> {
  const root = fromRepository('.');
  await cp(root, target, { recursive: true, filter: (path) => !['node_modules', '.git', '.kubekeep'].includes(basename(path)) });
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'));
}

/** The first test that failed, in its own words. */
async function run(file: string): Promise<{ readonly passed: boolean; readonly failure: string }> {
  const child = spawn(process.execPath, ['test/run.mjs', file.startsWith('src/') ? 'unit' : 'lab', file], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  const [, failure = ''] = /^failed:\n {2}\S+?: (.*)$/m.exec(said) ?? [];
  return { passed: code === 0, failure };
}

function page(): string {
  return [
    '# Would tests notice? Backups and restores broken on purpose',
    '',
    `Made by \`npm run test:mutants\` on ${new Date().toISOString().slice(0, 10)} (load ${load.toFixed(0)} when it began). ${rows.length} mutants: ${rows.length - bad} caught. Each is one line of the source in a copy of it; the tests passed on the copy as it is.`,
    '',
    '| mutant | what is broken | has to be caught by | the first test that failed | verdict |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
