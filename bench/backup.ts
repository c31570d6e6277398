/**
 * Measures backups beside etcd's own tools, on one real etcd: `npm run bench:backup [-- --mb 400 --seconds 60 --runs 5 --growth 300]`, and beside restic where it is installed. Writes docs/evidence/backup.md. Needs warm caches and a computer that has
 * nothing else to do. Values are made up: text that repeats as much as objects of Kubernetes do.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { captureKeys } from '../src/backup/captures.ts';
import { readLog } from '../src/backup/change-log/read-log.ts';
import { extendSnapshot } from '../src/backup/extend-snapshot.ts';
import { basesOf } from '../src/backup/points.ts';
import { ownerKeysToText } from '../src/backup/repository-keys.ts';
import { writeSnapshot } from '../src/backup/write-snapshot.ts';
import { connectEtcd } from '../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../src/lib/clock.ts';
import { seededDraw } from '../src/lib/seeded-draw.ts';
import { startScratchEtcd } from '../src/programs/scratch-etcd.ts';
import { madeRepository } from '../test/support/backup-repository.ts';
import { cachedProgram } from '../test/support/cached-program.ts';
import { endProcess } from '../test/support/end-process.ts';
import { fromRepository } from '../test/support/from-repository.ts';
import { grownBy, restic, sizesIn } from './growth.ts';

const option = (name: string, otherwise: number) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) || otherwise;
const [megabytes, seconds, runs, rate, growth] = [option('mb', 400), option('seconds', 60), option('runs', 5), option('rate', 2000), option('growth', 300)];
const load = loadavg()[0]!.toFixed(1);
const version = '3.7.3';
const timeline = 'bench:0';
const folder = await mkdtemp('/var/tmp/kubekeep-bench-');
const socketPath = join(folder, 'client');
const url = `unix://${socketPath}`;
const etcd = spawn(cachedProgram('etcd', version), ['--data-dir', join(folder, 'data'), '--name', 'bench', '--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', `unix://${join(folder, 'peer')}`, '--initial-advertise-peer-urls', `unix://${join(folder, 'peer')}`, '--initial-cluster', `bench=unix://${join(folder, 'peer')}`, '--quota-backend-bytes', '8000000000', '--log-level', 'error'], { stdio: 'ignore' });
const client = connectEtcd({ socketPath, serverName: 'bench', tls: undefined, deadline: 60_000 });
await using made = await madeRepository();
const rows: string[] = [];

try {
  while (!(await client.canRead({ deadline: 1000 }))) await systemClock.sleep(50);
  await fill();
  const size = (await client.status()).dbSize;
  say(`etcd has ${mb(size)}`);
  const first = await base();
  const times = { base: [] as number[], etcdctl: [] as number[] };
  const memories: number[] = [];
  const grown: number[] = [];
  for (let run = 0; run < runs; run++) {
    await write({ rate: 200, seconds: 5 });
    const path = join(folder, 'snap.db');
    times.etcdctl.push(await timed(async () => void execFileSync(cachedProgram('etcdctl', version), ['--endpoints', url, 'snapshot', 'save', path], { stdio: 'ignore' })));
    await rm(path);
    times.base.push(await timed(async () => {
      const { memory, added } = await base();
      memories.push(memory);
      grown.push(added);
    }));
    say(`base ${times.base.at(-1)!.toFixed(2)} s, etcdctl snapshot save ${times.etcdctl.at(-1)!.toFixed(2)} s`);
  }
  row(`first base of ${mb(size)}: what a process takes at the most`, `${mb(first.memory)}`, '1');
  row(`a further base of ${mb(size)} after 1,000 writes, hash-checked with one member, from the start of a process until it is taken`, `${spread(times.base, 's')}; \`etcdctl snapshot save\` ${spread(times.etcdctl, 's')}: ${(median(times.base) / median(times.etcdctl)).toFixed(2)} x`, `${runs}, in turns`);
  row('the same: memory at the most; new pages', `${spread(memories.map((bytes) => bytes / 1e6), 'MB')}; ${spread(grown.map((bytes) => bytes / 1e6), 'MB')} before compression`, String(runs));

  await grow();

  const { revision: from } = await client.status();
  await base();
  const follower = startProgram('follow');
  const ends: { readonly end: number; readonly at: number }[] = [];
  follower.lines.on('line', (line) => ends.push(JSON.parse(line) as { end: number; at: number }));
  await systemClock.sleep(2000);
  const acknowledged = await write({ rate, seconds });
  await systemClock.sleep(3000);
  follower.child.stdin.end();
  await once(follower.child, 'close');
  const { memory } = ends.at(-1) as unknown as { memory: number };
  const { revision: to } = await client.status();
  let position = 0;
  const behind = acknowledged.map(({ revision, at }) => {
    while (position < ends.length && ends[position]!.end < revision) position++;
    return ends[position] ? Math.max(0, ends[position]!.at - at) / 1000 : Infinity;
  }).sort((one, other) => one - other);
  row(`change log at ${Math.round(acknowledged.length / seconds).toLocaleString('en')} writes a second for ${seconds} s: from a write's acknowledgement until it is in the log`, `p50 ${behind[Math.floor(behind.length / 2)]!.toFixed(2)} s, p99 ${behind[Math.floor(behind.length * 0.99)]!.toFixed(2)} s, max ${behind.at(-1)!.toFixed(2)} s`, `${behind.length} writes`);
  row('the same: memory of the follower at the most', mb(memory), '1');

  const repository = await made.read();
  const newest = basesOf(repository.chain).at(-1)!;
  const keys = captureKeys(repository, made.identity);
  const snapshot = join(folder, 'base.db');
  const restore = await timed(() => writeSnapshot(repository, newest, snapshot, keys));
  row(`\`restore file\` of a base of ${mb(newest.length)}`, `${restore.toFixed(2)} s`, '1');
  const replay = await timed(() => extendSnapshot(snapshot, readLog(repository, { timeline, first: newest.revision + 1, last: to }, keys), { signal: new AbortController().signal, onRevision: () => {} }));
  await using scratch = await startScratchEtcd({ etcd: program('etcd'), etcdutl: program('etcdutl'), snapshot, folder: await mkdtemp(join(folder, 'scratch-')) });
  const replayed = connectEtcd({ socketPath: scratch.socketPath, serverName: 'scratch', tls: undefined, deadline: 60_000 });
  while (!(await replayed.canRead({ deadline: 1000 }))) await systemClock.sleep(50);
  const [ours, theirs] = [await replayed.hashKv(to), await client.hashKv(to)];
  replayed.close();
  if (ours.hash !== theirs.hash) throw new Error(`replayed to revision ${to} it has hash ${ours.hash}, and etcd has ${theirs.hash}`);
  row(`replay of ${(to - newest.revision).toLocaleString('en')} revisions (${to - from} since the follower began) behind that base, in one file; an etcd that is started from it has the hash of the one that was watched`, `${Math.round((to - newest.revision) / replay).toLocaleString('en')} revisions a second`, '1');
  await writeFile(fromRepository('docs/evidence/backup.md'), [
    '# What backups cost',
    '',
    `Made by \`npm run bench:backup\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} shared cores, Linux ${release().split('-')[0]}, load ${load} before it began, etcd ${version} of one member on a unix socket, a folder on the same disk as repository, made-up values.`,
    '',
    '| what | median (min–max) | runs |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n'));
} finally {
  client.close();
  await endProcess(etcd);
  await rm(folder, { recursive: true, force: true });
}

/** The same minutes of writes kept in three forms. */
async function grow(): Promise<void> {
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
  const follower = startProgram('follow');
  await systemClock.sleep(2000);
  const size = (await client.status()).dbSize;
  await write({ rate: 36, seconds: growth });
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

/** Some 3 KB of text, most of it the same in all. */
function value(draw: () => number): Buffer {
  const own = Array.from({ length: 12 }, () => Math.floor(draw() * 1e9).toString(36));
  return Buffer.from(JSON.stringify({ kind: 'Pod', metadata: { name: own[0], uid: own.slice(1, 5).join('-'), labels: { app: own[5] } }, spec: { containers: Array.from({ length: 12 }, (_, index) => ({ name: `c${index}`, image: `registry.example/${own[6]}:${index}`, env: own.map((word, number) => ({ name: `VARIABLE_${number}`, value: word })).slice(0, 3) })) }, status: own.slice(7) }));
}

async function fill(): Promise<void> {
  const draw = seededDraw(1);
  const size = value(draw).length;
  const count = Math.ceil((megabytes * 1e6) / (size * 1.25));
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const keys = Array.from({ length: 20 }, () => next++);
      await client.commit(keys.map((key) => ({ key: Buffer.from(`/registry/pods/${key}`), value: value(draw), lease: 0n })));
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

/** Writes at a rate, each time when it is due and not when the one before was answered. Resolves to when which revision was acknowledged, in their order. */
async function write({ rate: perSecond, seconds: long }: { readonly rate: number; readonly seconds: number }): Promise<readonly { readonly revision: number; readonly at: number }[]> {
  const draw = seededDraw(2);
  const acknowledged: { revision: number; at: number }[] = [];
  const begin = performance.now();
  const open = new Set<Promise<void>>();
  for (let sent = 0; sent < perSecond * long; ) {
    const due = Math.min(perSecond * long, Math.floor(((performance.now() - begin) / 1000) * perSecond));
    for (; sent < due && open.size < 500; sent++) {
      const one: Promise<void> = client.commit([{ key: Buffer.from(`/registry/pods/${Math.floor(draw() * 5000)}`), value: value(draw).subarray(0, 1000), lease: 0n }]).then((revision) => {
        acknowledged.push({ revision, at: Date.now() });
        open.delete(one);
      });
      open.add(one);
    }
    await systemClock.sleep(2);
  }
  await Promise.all(open);
  return acknowledged.sort((one, other) => one.revision - other.revision);
}

function startProgram(mode: string) {
  const child = spawn(process.execPath, [fromRepository('bench/backup-program.ts'), mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(`${JSON.stringify({ place: made.folder, keys: ownerKeysToText(made.keys), socketPath, spool: folder, timeline })}\n`);
  return { child, lines: createInterface({ input: child.stdout }) };
}

async function base(): Promise<{ readonly memory: number; readonly added: number }> {
  const { lines } = startProgram('base');
  const [line] = (await once(lines, 'line')) as [string];
  return JSON.parse(line) as { memory: number; added: number };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

function spread(values: readonly number[], unit: string): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}) ${unit}`;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function row(what: string, found: string, count: string): void {
  rows.push(`| ${what} | ${found} | ${count} |`);
  say(`${what}: ${found}`);
}

function say(text: string): void {
  console.log(text);
}
