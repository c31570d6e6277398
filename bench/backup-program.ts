/** One process of `npm run bench:backup`, so that its memory is its own: follow (until its standard input ends), base, or point (the end of the log, behind the newest base). Reads what it needs as a line of JSON, writes lines of JSON. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { captureKeys } from '../src/backup/captures.ts';
import { logEnd } from '../src/backup/change-log/coverage.ts';
import { readLog } from '../src/backup/change-log/read-log.ts';
import { extendSnapshot } from '../src/backup/extend-snapshot.ts';
import { basesOf } from '../src/backup/points.ts';
import { openRepository, openRepositoryAs } from '../src/backup/repository.ts';
import { ownerKeysFromText } from '../src/backup/repository-keys.ts';
import { folderStore } from '../src/backup/store/folder-store.ts';
import { takeBase } from '../src/backup/take-base.ts';
import { writeSnapshot } from '../src/backup/write-snapshot.ts';
import { connectEtcd } from '../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../src/lib/clock.ts';
import { Secret } from '../src/lib/secret.ts';
import { silent } from '../src/lib/progress.ts';
import { LogCapturer } from '../src/operations/backup/log-capturer.ts';

interface Task {
  readonly place: string;
  readonly keys: string;
  readonly socketPath: string;
  readonly spool: string;
  /** Opens the repository, for a point. */
  readonly identity: string;
  readonly timeline: string;
}

const input = createInterface({ input: process.stdin });
const [line] = (await once(input, 'line')) as [string];
const [mode] = process.argv.slice(2);
const { place, keys: sealed, socketPath, spool, timeline, identity } = JSON.parse(line) as Task;
const keys = ownerKeysFromText(sealed);
const client = connectEtcd({ socketPath, serverName: 'bench', tls: undefined, deadline: 60_000 });
const repository = await openRepository(folderStore(place), keys);
const say = (what: unknown) => void process.stdout.write(`${JSON.stringify(what)}\n`);
const memory = () => process.resourceUsage().maxRSS * 1024;
const base = async (onTaken?: () => void) =>
  takeBase(repository, {
    timeline, etcd: '3.7.3', member: 'bench', quorum: true,
    snapshot: () => client.snapshot(),
    hashes: async ({ current }) => {
      const { hash, compactRevision } = await client.hashKv(current);
      return [{ member: 'bench', answer: { hash, compactRevision } }];
    },
  }, { writer: keys.writer, spoolFolder: spool, now: Date.now, onTaken });

if (mode === 'point') {
  const [own, path] = [new Secret(identity), join(spool, 'point.db')];
  const reading = await openRepositoryAs(folderStore(place), own);
  const captures = captureKeys(reading, own);
  const newest = basesOf(reading.chain).at(-1)!;
  await writeSnapshot(reading, newest, path, captures);
  const last = logEnd(reading.chain.entries, timeline)!;
  await extendSnapshot(path, readLog(reading, { timeline, first: newest.revision + 1, last }, captures), { signal: new AbortController().signal, onRevision: () => {} });
  await rm(path);
  say({ memory: memory() });
  client.close();
  input.close();
} else if (mode === 'base') {
  const { added, length, revision } = await base(() => say({ taken: true }));
  say({ added, length, revision, memory: memory() });
  client.close();
  input.close();
} else {
  const end = new AbortController();
  input.once('close', () => end.abort());
  const status = await client.status();
  const only = { spec: { name: 'bench' }, client, reads: true, status: { ...status, clusterId: timeline.split(':')[0]! } };
  const members = { chosen: only, nearest: only, clients: new Map(), [Symbol.dispose]: () => {} } as never;
  const capturer = new LogCapturer({ repository, writer: keys.writer, ask: async () => members, takeBase: () => base(), remember: async () => {}, clock: systemClock, signal: end.signal, progress: silent });
  let seen = 0;
  const timer = setInterval(() => {
    const now = logEnd(repository.chain.entries, timeline) ?? 0;
    if (now > seen) say({ end: (seen = now), at: Date.now() });
  }, 20);
  await capturer.capture().catch((error: Error) => (end.signal.aborted ? undefined : say({ error: error.message })));
  clearInterval(timer);
  say({ end: logEnd(repository.chain.entries, timeline), at: Date.now(), memory: memory() });
  client.close();
}
