/**
 * Measures reading objects out of backups: `npm run bench:objects [-- --objects 400000 --pods 60000 --hours 24 --runs 3]`, beside `etcdutl snapshot status` on the same file. Writes docs/evidence/objects.md. Needs warm caches and a
 * computer that has nothing else to do. The Pods and ConfigMaps are those of a real API server, with other names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { newCapture } from '../src/backup/captures.ts';
import { appendRecords } from '../src/backup/change-log/append-log.ts';
import type { LogRecord } from '../src/backup/change-log/log-record.ts';
import { LogMerger } from '../src/backup/change-log/merge-log.ts';
import type { Base } from '../src/backup/points.ts';
import { folderStore } from '../src/backup/store/folder-store.ts';
import type { S3Place } from '../src/backup/store/s3-place.ts';
import { s3Store } from '../src/backup/store/s3-store.ts';
import { takeBase } from '../src/backup/take-base.ts';
import { decodeValue } from '../src/objects/decode-value.ts';
import { madeRepository, type MadeRepository } from '../test/support/backup-repository.ts';
import { fromRepository } from '../test/support/from-repository.ts';
import { realS3, type RealS3 } from '../test/support/real-s3.ts';
import { statusOf } from './base-rows.ts';
import { version } from './bench-etcd.ts';
import { mb, median, say, spread, type Row } from './figures.ts';
import { sizesIn } from './growth.ts';
import { manyObjects, objectOf, templates, type Template } from './object-files.ts';
import type { Read, Reading } from './objects-program.ts';

const option = (name: string, otherwise: number) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) || otherwise;
const [objects, pods, hours, runs] = [option('objects', 400_000), option('pods', 60_000), option('hours', 24), option('runs', 3)];
const [timeline, rate, delay] = ['bench:0', 36, 20];
const load = loadavg()[0]!.toFixed(1);
const rows: Row[] = [];
const folder = await mkdtemp('/var/tmp/kubekeep-bench-');

try {
  await using made = await madeRepository();
  const snapshot = join(folder, 'snap.db');
  const { pod, config } = await templates(folder);
  say(`${objects.toLocaleString('en')} objects are written`);
  const last = await manyObjects(folder, snapshot, { pod, config }, { objects, pods });
  const base = await firstBase(made, snapshot);
  const size = `${mb(base.length)}, ${objects.toLocaleString('en')} objects, ${pods.toLocaleString('en')} of them Pods`;

  await row(`list all keys of a file (${size})`, { do: 'keys', snapshot });
  const status = await statusOf(snapshot);
  add(`the same file: \`etcdutl snapshot status\`, which lists none`, `${status.seconds.toFixed(2)} s, ${mb(status.memory)} of memory at the most`, '1');
  const half = Math.floor(objects / 2);
  const key = objectOf('configmaps', config, half).key.toString();
  const other = objectOf('pods', pod, half).key.toString();
  const oneObject = async (title: string, extra: Partial<Reading>) => row(`one object of that base, from the start of reading the repository${title}`, { do: 'get', key: (await read(made, { do: 'get', key })).found === 1 ? key : other, ...extra });
  await oneObject('', {});
  {
    await using s3 = await realS3();
    await oneObject(', from a bucket of a radosgw (`tcp_nodelay=1`) on this computer', { place: await bucketOf(made, s3) });
  }
  await oneObject(`, from a store that needs ${delay} ms for each answer`, { delay });
  await oneObject(', all of the base read for it, as where it has no key index', { scan: true });
  await row(`all ${pods.toLocaleString('en')} Pods of that base, decoded`, { do: 'pods' });
  decodes(pod);

  say(`${hours} h of the log are written`);
  const end = await log(made, { config, first: last + 1, key });
  await row(`history of one object over ${hours} h of the log at ${rate} writes a second (${(end - last).toLocaleString('en')} revisions)`, { do: 'history', key, from: last, to: end });
  await row(`what is different between the last two points an hour apart, with all ${hours} h behind the only base; one object was made in that hour, so that it is looked for in all of it`, { do: 'diff', from: end - rate * 3600, to: end });
  await writeFile(fromRepository('docs/evidence/objects.md'), [
    '# What reading objects costs',
    '',
    `Made by \`npm run bench:objects\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} shared cores, Linux ${release().split('-')[0]}, load ${load} before it began, etcd ${version}, a folder on this computer as repository. Each reading is a process of its own; seconds are from the first byte read on.`,
    '',
    '| what | median (min–max) | runs |',
    '| --- | --- | --- |',
    ...rows.map((one) => `| ${one.join(' | ')} |`),
    '',
    `One base before ${hours} h of the log is more than there is: a follower takes one every 500,000 revisions, ${(500_000 / rate / 3600).toFixed(1)} h of this log, and then an object that did not change since is looked for in that much.`,
    '',
  ].join('\n'));

  async function row(what: string, reading: Partial<Reading> & Pick<Reading, 'do'>): Promise<void> {
    const found: Read[] = [];
    for (let run = 0; run < runs; run++) found.push(await read(made, reading));
    const fetched = median(found.map((one) => one.fetched));
    add(what, `${spread(found.map(({ seconds }) => seconds), 's')}, ${median(found.map(({ cpu }) => cpu)).toFixed(2)} s of the processor, ${mb(Math.max(...found.map(({ memory }) => memory)))} of memory at the most${fetched > 0 ? `, ${(fetched / 1e6).toFixed(1)} MB fetched` : ''}; found ${found[0]!.found.toLocaleString('en')}`, String(runs));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

function add(...one: Row): void {
  rows.push(one);
  say(`${one[0]}: ${one[1]}`);
}

/** With what its key index costs. */
async function firstBase(made: MadeRepository, snapshot: string): Promise<Base> {
  const repository = await made.open();
  const base = await takeBase(repository, { timeline, etcd: version, member: 'bench', quorum: true, snapshot: () => createReadStream(snapshot), hashes: async () => [] }, { writer: made.keys.writer, spoolFolder: folder, now: Date.now });
  const sizes = [...(await sizesIn(made.folder))].filter(([name]) => name.startsWith('indexes/'));
  add('key index of a first base of the file below', `${mb(sizes.reduce((sum, [, bytes]) => sum + bytes, 0))} in ${sizes.length} objects`, '1');
  return base;
}

/** The repository as it is now, in a bucket. */
async function bucketOf({ folder: from }: MadeRepository, s3: RealS3): Promise<S3Place> {
  Object.assign(process.env, s3.owner, { AWS_EC2_METADATA_DISABLED: 'true' });
  const place = { bucket: 'bench', prefix: '', endpoint: s3.endpoint, ca: s3.ca, pathStyle: true };
  await s3.client.createBucket({ Bucket: place.bucket });
  const [store, bucket] = [folderStore(from), s3Store(place, { signal: new AbortController().signal })];
  for (const name of await store.list('')) await bucket.create(name, (await store.read(name))!);
  return place;
}

async function read({ folder: place, identity }: MadeRepository, reading: Partial<Reading>): Promise<Read> {
  const child = spawn(process.execPath, [fromRepository('bench/objects-program.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(`${JSON.stringify({ snapshot: '', place, identity: identity.reveal(), key: '', scan: false, delay: 0, from: 0, to: 0, ...reading })}\n`);
  const [answer] = (await Promise.race([once(child.stdout, 'data'), once(child, 'close').then(([code]) => { throw new Error(`reading ended with ${code}`); })])) as [Buffer];
  return JSON.parse(answer.toString()) as Read;
}

/** Each has its own name, uid and address. */
function decodes(pod: Template): void {
  const all = Array.from({ length: 5000 }, (_, number) => objectOf('pods', pod, number));
  const rates: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const before = process.cpuUsage();
    for (let again = 0; again < 2; again++) for (const [number, { key, value }] of all.entries()) decodeValue({ key: key.toString(), value, revision: number });
    const { user, system } = process.cpuUsage(before);
    // The first one is compiled.
    if (run > 0) rates.push(Math.round((2 * all.length / (user + system)) * 1e6));
  }
  add(`decode Pods of ${pod.value.length.toLocaleString('en')} bytes to Kubernetes' JSON, each with its own name, uid and address`, spread(rates, 'a second and core').replaceAll('.00', ''), String(runs));
}

/** As a follower writes it, five minutes in a merged segment or a few; gives the last revision. The object of `key` is changed every ten minutes, and in the last hour a new one is made. */
async function log(made: MadeRepository, { config, first, key }: { readonly config: Template; readonly first: number; readonly key: string }): Promise<number> {
  const repository = await made.open();
  const options = { writer: made.keys.writer, timeline };
  const capture = await newCapture(repository);
  const merger = new LogMerger(repository, options);
  const end = first + rate * 3600 * hours - 1;
  const fresh = end - rate * 1000;
  const start = Date.now() - hours * 3_600_000;
  for (let from = first; from <= end; from += rate * 10) {
    const records = Array.from({ length: Math.min(rate * 10, end - from + 1) }, (_, at): LogRecord => {
      const revision = from + at;
      const { key: any, value } = objectOf('configmaps', config, revision === fresh ? objects : revision % 3000);
      return { revision, received: start + ((revision - first) * 1000) / rate, changes: [{ key: revision % (rate * 600) === 0 ? Buffer.from(key) : any, value, revision, createRevision: 1, version: 2, lease: 0n }] };
    });
    const piece = { records, leases: new Map() };
    await appendRecords(repository, piece, { ...options, member: 'bench', key: capture });
    await merger.add(piece, { member: 'bench', key: capture });
    if ((from - first) % (rate * 300) === 0) await merger.catalog({ member: 'bench', key: capture });
  }
  await merger.catalog({ member: 'bench', key: capture });
  return end;
}
