/**
 * Breaks backups and restores on purpose, one line of the source at a time in a copy of it, and looks whether the tests that should find it do, and whether they pass on the copy as it is. Writes
 * docs/evidence/backup-mutants.md. `npm run test:mutants:backup [-- --only M9,M12]`. About fifteen minutes; needs root.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fromRepository } from '../support/from-repository.ts';

interface Mutant {
  readonly id: string;
  /** What is broken. */
  readonly title: string;
  readonly file: string;
  /** Stands there once. */
  readonly from: string;
  readonly to: string;
  readonly caughtBy: string;
}

const mutants: readonly Mutant[] = [
  { id: 'M7', title: 'a restore begins right after the point, not above all that clients have seen', file: 'src/operations/restore/choose-floor.ts', from: 'floor: highest.revision + margin', to: 'floor: seen[0].revision + 1', caughtBy: 'test/lab/restore-cluster.test.ts' },
  { id: 'M9', title: 'the log loses one change of every seventh revision that has several', file: 'src/backup/change-log/log-record.ts', from: 'if (last?.revision === change.revision) last.changes.push(change);', to: 'if (last?.revision === change.revision) { if (change.revision % 7 !== 0) last.changes.push(change); }', caughtBy: 'test/integration/recorder.test.ts' },
  { id: 'M9-hash', title: 'the same, and nobody has a recorder', file: 'src/backup/change-log/log-record.ts', from: 'if (last?.revision === change.revision) last.changes.push(change);', to: 'if (last?.revision === change.revision) { if (change.revision % 7 !== 0) last.changes.push(change); }', caughtBy: 'test/integration/change-log.test.ts' },
  { id: 'M10', title: 'a replay leaves out the first revision after its base', file: 'src/operations/backup/write-point.ts', from: 'first: base.revision + 1', to: 'first: base.revision + 2', caughtBy: 'test/integration/restore-verify.test.ts' },
  { id: 'M10-order', title: 'a replay puts the changes of one revision in the order of the last one first', file: 'src/backup/extend-snapshot.ts', from: 'changes.entries())', to: 'changes.toReversed().entries())', caughtBy: 'test/integration/change-log.test.ts' },
  { id: 'M10-deleted', title: 'a replay leaves out what was deleted', file: 'src/backup/extend-snapshot.ts', from: '        keys.add(', to: '        if (change.value) keys.add(', caughtBy: 'test/integration/change-log.test.ts' },
  { id: 'M10-lease', title: 'a replay leaves out the leases that only the log knows', file: 'src/backup/extend-snapshot.ts', from: '!stored.has(change.lease)) stored.set', to: '!stored.has(change.lease)) stored.get', caughtBy: 'test/integration/recorder.test.ts' },
  { id: 'M10-compacted', title: 'a replay loses how far the base was compacted', file: 'src/bolt/grow-bolt.ts', from: '        top.add(', to: "        if (key.toString() !== 'meta') top.add(", caughtBy: 'test/integration/grow-bolt.test.ts' },
  { id: 'M10-checksum', title: 'the first pages of a replayed file have a wrong checksum', file: 'src/bolt/grow-bolt.ts', from: 'fnv1a(meta.subarray(0, 56))', to: 'fnv1a(meta.subarray(0, 55))', caughtBy: 'test/integration/grow-bolt.test.ts' },
  { id: 'M10-branch', title: 'the last branch of a replayed file may have one page below it', file: 'src/bolt/_tree-writer.ts', from: 'level === 0 ? 0 : 1', to: 'level === 0 ? 0 : 0', caughtBy: 'test/integration/grow-bolt.test.ts' },
  { id: 'M10-loose', title: 'nobody looks whether each write follows on the one before of its key', file: 'src/operations/backup/verify-point.ts', from: 'if (loose !== undefined)', to: 'if (loose === -1)', caughtBy: 'test/integration/restore-verify.test.ts' },
  { id: 'M10-page', title: 'the table of a base names the page beside the one that it means', file: 'src/backup/format/page-table.ts', from: 'position.get(table.pack[page]!)!, table.slot[page]!]', to: 'position.get(table.pack[page]!)!, table.slot[page]! + 1]', caughtBy: 'test/integration/base.test.ts' },
  { id: 'M11', title: 'pruning keeps a base and not the tables that it stands on', file: 'src/backup/retention/reached-objects.ts', from: "for (const hash of hashes) reached.add(objectName('table', hash));", to: "reached.add(objectName('table', base));", caughtBy: 'src/backup/retention/clean-up.test.ts' },
  { id: 'M11-base', title: 'pruning does not keep the base that the log begins at', file: 'src/backup/retention/plan-retention.ts', from: "for (const { begins } of timelines) keep(begins, 'the log begins here');", to: '', caughtBy: 'src/backup/retention/plan-retention.test.ts' },
  { id: 'M12', title: 'an entry counts without a signature', file: 'src/backup/read-entry.ts', from: 'if (key === undefined || !isSignedBy(bytes, publicKeyOf(key)))', to: 'if (key === undefined)', caughtBy: 'src/backup/chain.test.ts' },
  { id: 'M12-hash', title: 'state hashes of members are taken to be equal', file: 'src/backup/compare-members.ts', from: "? 'equal' : 'different'", to: "? 'equal' : 'equal'", caughtBy: 'test/integration/restore-verify.test.ts' },
];

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const chosen = mutants.filter(({ id }) => values.only === undefined || values.only.split(',').includes(id));
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
    `Made by \`npm run test:mutants:backup\` on ${new Date().toISOString().slice(0, 10)} (load ${load.toFixed(0)} when it began). ${rows.length} mutants: ${rows.length - bad} caught. Each is one line of the source in a copy of it; the tests passed on the copy as it is.`,
    '',
    '| mutant | what is broken | has to be caught by | the first test that failed | verdict |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
