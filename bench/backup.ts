/**
 * Measures backups beside etcd's own tools, on real etcds: `npm run bench:backup [-- --mb 400 --seconds 60 --runs 5 --growth 300 --api 0 --large 0]`, and beside restic where it is installed. `--api 60000` adds an etcd with so many objects that a
 * real API server wrote, `--large 1000` one with so many MB of values (a file of 1.4 GB), `--seconds 600` writes to the log for ten minutes. Writes docs/evidence/backup.md; `--only bases` prints what bases take, and that is all. Needs warm caches and a computer that has nothing else to do. Values are made up: text that repeats as much as objects of
 * Kubernetes do.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { captureKeys } from '../src/backup/captures.ts';
import { readLog } from '../src/backup/change-log/read-log.ts';
import { extendSnapshot } from '../src/backup/extend-snapshot.ts';
import { indexKeys } from '../src/backup/index-keys.ts';
import { openSnapshot } from '../src/backup/open-snapshot.ts';
import { basesOf } from '../src/backup/points.ts';
import type { Repository } from '../src/backup/repository.ts';
import { ownerKeysToText } from '../src/backup/repository-keys.ts';
import { writeSnapshot } from '../src/backup/write-snapshot.ts';
import { connectEtcd } from '../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Secret } from '../src/lib/secret.ts';
import { startScratchEtcd } from '../src/programs/scratch-etcd.ts';
import { madeRepository, type MadeRepository } from '../test/support/backup-repository.ts';
import { cachedProgram } from '../test/support/cached-program.ts';
import { fromRepository } from '../test/support/from-repository.ts';
import { writtenByApi } from './api-objects.ts';
import { baseRows, statusRow, type TakenBase } from './base-rows.ts';
import { benchEtcd, fill, version, type BenchEtcd } from './bench-etcd.ts';
import { mb, say, timed, type Row } from './figures.ts';
import { grownBy, restic, sizesIn } from './growth.ts';
import { write } from './write-load.ts';

const option = (name: string, otherwise: number) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) || otherwise;
const [megabytes, seconds, runs, rate, growth, objects, large] = [option('mb', 400), option('seconds', 60), option('runs', 5), option('rate', 2000), option('growth', 300), option('api', 0), option('large', 0)];
const onlyBases = process.argv.includes('bases');
const load = loadavg()[0]!.toFixed(1);
const timeline = 'bench:0';
const folder = await mkdtemp('/var/tmp/kubekeep-bench-');
const rows: Row[] = [];
say(`On a computer that has nothing else to do this takes some ${Math.ceil(((onlyBases ? 0 : growth + seconds * 2) + runs * 10 + megabytes / 10 + objects / 200 + large / 5) / 60) + 1} minutes.`);

try {
  if (objects > 0) await others(`, ${objects} objects written by a real API server`, async (place) => benchEtcd(place, await writtenByApi(join(place, 'api'), objects)));
  if (large > 0) {
    await others('', async (place) => {
      const etcd = await benchEtcd(place);
      await fill(etcd.client, large * 1e6);
      return etcd;
    }, statusRow);
  }
  await using etcd = await benchEtcd(folder);
  await using made = await madeRepository();
  const { client } = etcd;
  await fill(client, megabytes * 1e6);
  const base = () => baseOf(etcd, made);
  add(await baseRows(etcd, { of: '', runs, base, between: () => write(client, { rate: 200, seconds: 5 }), after: '1,000 writes' }));

  if (!onlyBases) {
    await grow(etcd, made);
    await logged(etcd, made);
    await writePage();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** What the log costs, what it is given back in, and whether that is what etcd has. */
async function logged(etcd: BenchEtcd, made: MadeRepository): Promise<void> {
  const { client } = etcd;
  const { revision: from } = await client.status();
  await baseOf(etcd, made);
  await followed(etcd, made, '');
  const { revision: to } = await client.status();
  {
    await using anew = await madeRepository();
    await followed(etcd, anew, ', in a repository without a base: the follower takes it first');
  }

  const repository = await made.read();
  const newest = basesOf(repository.chain).at(-1)!;
  const keys = captureKeys(repository, made.identity);
  const snapshot = join(folder, 'base.db');
  const restore = await timed(() => writeSnapshot(repository, newest, snapshot, keys));
  row(`\`restore file\` of a base of ${mb(newest.length)}`, `${restore.toFixed(2)} s`, '1');
  row('key index of all of that base: what a first one takes for it, in the thread beside the program', await indexCost(snapshot), '1');
  const replay = await timed(() => extendSnapshot(snapshot, readLog(repository, { timeline, first: newest.revision + 1, last: to }, keys), { signal: new AbortController().signal, onRevision: () => {} }));
  await using scratch = await startScratchEtcd({ etcd: program('etcd'), etcdutl: program('etcdutl'), snapshot, folder: await mkdtemp(join(folder, 'scratch-')) });
  const replayed = connectEtcd({ socketPath: scratch.socketPath, serverName: 'scratch', tls: undefined, deadline: 60_000 });
  while (!(await replayed.canRead({ deadline: 1000 }))) await systemClock.sleep(50);
  const [ours, theirs] = [await replayed.hashKv(to), await client.hashKv(to)];
  replayed.close();
  if (ours.hash !== theirs.hash) throw new Error(`replayed to revision ${to} it has hash ${ours.hash}, and etcd has ${theirs.hash}`);
  row(`replay of ${(to - newest.revision).toLocaleString('en')} revisions (${to - from} since the follower began) behind that base, in one file; an etcd that is started from it has the hash of the one that was watched`, `${Math.round((to - newest.revision) / replay).toLocaleString('en')} revisions a second`, '1');
  const { memory } = (await answerOf('point', etcd, made)) as { readonly memory: number };
  row('the same, base and log, in a process of its own: memory at the most', mb(memory), '1');
}

async function writePage(): Promise<void> {
  await writeFile(fromRepository('docs/evidence/backup.md'), [
    '# What backups cost',
    '',
    `Made by \`npm run bench:backup -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} shared cores, Linux ${release().split('-')[0]}, load ${load} before it began, etcd ${version} of one member on a unix socket, a folder on the same disk as repository, made-up values.`,
    '',
    '| what | median (min–max) | runs |',
    '| --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n'));
}

/** What bases of another etcd cost. */
async function others(of: string, start: (place: string) => Promise<BenchEtcd>, more: (etcd: BenchEtcd) => Promise<Row> | undefined = () => undefined): Promise<void> {
  const place = join(folder, 'other');
  await mkdir(place);
  {
    await using etcd = await start(place);
    await using made = await madeRepository();
    const { client } = etcd;
    add(await baseRows(etcd, { of, runs, base: () => baseOf(etcd, made), between: () => write(client, { rate: 200, seconds: 5 }), after: '1,000 writes' }));
    const row = await more(etcd);
    if (row) add([row]);
    add([await restoreRow(place, await made.read(), made.identity)]);
  }
  await rm(place, { recursive: true });
}

/** From the repository to a member's data, which etcdutl makes of the file either way. */
async function restoreRow(place: string, repository: Repository, identity: Secret): Promise<Row> {
  const newest = basesOf(repository.chain).at(-1)!;
  const file = join(place, 'restored.db');
  const ours = await timed(() => writeSnapshot(repository, newest, file, captureKeys(repository, identity)));
  const theirs = await timed(async () => void execFileSync(cachedProgram('etcdutl', version), ['snapshot', 'restore', file, '--data-dir', join(place, 'restored')], { stdio: 'ignore' }));
  return [`restore of ${mb(newest.length)} to one member's data, without starting it: \`restore file\`, then \`etcdutl snapshot restore\``, `${ours.toFixed(2)} s, then ${theirs.toFixed(2)} s: ${((ours + theirs) / theirs).toFixed(2)} x etcdutl alone`, '1'];
}

/** A base without an index takes as much less; a further one looks at changed pages only. */
async function indexCost(snapshot: string): Promise<string> {
  await using file = await openSnapshot(snapshot);
  let bytes = 0;
  const took = await timed(async () => {
    const found = indexKeys(file, undefined);
    bytes = found ? [found.leaves, ...found.rows].reduce((sum, { length }) => sum + length, 0) : 0;
  });
  return `${took.toFixed(2)} s, ${mb(bytes)} before compression`;
}

/** Writes at a rate, and a follower beside it in a process of its own. */
async function followed(etcd: BenchEtcd, made: MadeRepository, how: string): Promise<void> {
  const follower = startProgram('follow', etcd, made);
  const ends: { readonly end: number; readonly at: number; readonly memory?: number }[] = [];
  follower.lines.on('line', (line) => ends.push(JSON.parse(line) as (typeof ends)[number]));
  // A first base is taken first.
  await systemClock.sleep(how === '' ? 2000 : 2000 + (await etcd.client.status()).dbSize / 50_000);
  const begin = performance.now();
  const acknowledged = await write(etcd.client, { rate, seconds });
  const reached = acknowledged.length / ((performance.now() - begin) / 1000);
  await systemClock.sleep(3000);
  follower.child.stdin.end();
  await once(follower.child, 'close');
  let position = 0;
  const behind = acknowledged.map(({ revision, at }) => {
    while (position < ends.length && ends[position]!.end < revision) position++;
    return ends[position] ? Math.max(0, ends[position]!.at - at) / 1000 : Infinity;
  }).sort((one, other) => one - other);
  row(`change log at ${rate.toLocaleString('en')} writes a second (${Math.round(reached).toLocaleString('en')} reached) for ${seconds} s${how}: from a write's acknowledgement until it is in the log`, `p50 ${behind[Math.floor(behind.length / 2)]!.toFixed(2)} s, p99 ${behind[Math.floor(behind.length * 0.99)]!.toFixed(2)} s, max ${behind.at(-1)!.toFixed(2)} s`, `${behind.length} writes`);
  row('the same: memory of the follower at the most', mb(ends.at(-1)!.memory!), '1');
}

/** The same minutes of writes kept in three forms. */
async function grow(etcd: BenchEtcd, made: MadeRepository): Promise<void> {
  const { client, url } = etcd;
  const base = () => baseOf(etcd, made);
  const rival = restic(join(folder, 'restic'));
  const path = join(folder, 'snap.db');
  const save = () => void execFileSync(cachedProgram('etcdctl', version), ['--endpoints', url, 'snapshot', 'save', path], { stdio: 'ignore' });
  const kept = async () => {
    save();
    const time = await timed(async () => rival?.backup(path));
    await rm(path);
    return time;
  };
  await base();
  if (rival) await kept();
  const [own, other] = [await sizesIn(made.folder), rival && (await sizesIn(join(folder, 'restic')))];
  const follower = startProgram('follow', etcd, made);
  await systemClock.sleep(2000);
  const size = (await client.status()).dbSize;
  await write(client, { rate: 36, seconds: growth });
  await systemClock.sleep(3000);
  follower.child.stdin.end();
  await once(follower.child, 'close');
  const logged = await sizesIn(made.folder);
  await base();
  const based = await sizesIn(made.folder);
  row(`growth of the repository in ${growth} s of 36 writes a second, etcd has ${mb(size)}: a base`, `${megabyte(grownBy(logged, based))} MB`, '1');
  row('the same: the log, as it is written and once its pieces are merged and cleaned up', `${megabyte(grownBy(own, logged))} MB; ${megabyte(grownBy(own, logged, ['segments/']))} MB`, '1');
  if (!rival) return row('the same with restic', 'not installed (apt-get install restic)', '0');
  const time = await kept();
  row('the same: `restic backup` of a snapshot', `${megabyte(grownBy(other!, await sizesIn(join(folder, 'restic'))))} MB in ${time.toFixed(2)} s, without the time of \`etcdctl snapshot save\``, '1');
}

function megabyte(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function program(name: 'etcd' | 'etcdutl') {
  return { name, version, platform: 'linux-amd64' as const, path: cachedProgram(name, version), sha256: '', size: 0 };
}

function startProgram(mode: string, { socketPath }: BenchEtcd, made: MadeRepository) {
  // Compiled code is kept, as bin/kubekeep.mjs does.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const child = spawn(process.execPath, [fromRepository('bench/backup-program.ts'), mode], { stdio: ['pipe', 'pipe', 'inherit'], env });
  child.stdin.write(`${JSON.stringify({ place: made.folder, keys: ownerKeysToText(made.keys), socketPath, spool: folder, timeline, identity: made.identity.reveal() })}\n`);
  return { child, lines: createInterface({ input: child.stdout }) };
}

async function baseOf(etcd: BenchEtcd, made: MadeRepository): Promise<TakenBase> {
  const begin = performance.now();
  let taken = 0;
  const base = await answerOf('base', etcd, made, () => void (taken = (performance.now() - begin) / 1000));
  return { ...(base as TakenBase), taken };
}

/** The last line that a program says; of the first one `onFirst` is told when it is said. */
async function answerOf(mode: 'base' | 'point', etcd: BenchEtcd, made: MadeRepository, onFirst = () => {}): Promise<unknown> {
  const { child, lines } = startProgram(mode, etcd, made);
  lines.once('line', onFirst);
  const [said] = await Promise.all([Array.fromAsync(lines), once(child, 'close')]);
  if (child.exitCode !== 0 || said.length === 0) throw new Error(`${mode} ended with ${child.exitCode}`);
  return JSON.parse(said.at(-1)!) as unknown;
}

function row(...one: Row): void {
  add([one]);
}

function add(found: readonly Row[]): void {
  rows.push(...found);
  for (const [what, result] of found) say(`${what}: ${result}`);
}
