/** One process of `npm run bench:backup`, so that its memory is its own: follow (until its standard input ends) or base. Reads what it needs as a line of JSON, writes lines of JSON. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { logEnd } from '../src/backup/change-log/coverage.ts';
import { openRepository } from '../src/backup/repository.ts';
import { ownerKeysFromText } from '../src/backup/repository-keys.ts';
import { folderStore } from '../src/backup/store/folder-store.ts';
import { takeBase } from '../src/backup/take-base.ts';
import { connectEtcd } from '../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silent } from '../src/lib/progress.ts';
import { LogCapturer } from '../src/operations/backup/log-capturer.ts';

interface Task {
  readonly place: string;
  readonly keys: string;
  readonly socketPath: string;
  readonly spool: string;
  readonly timeline: string;
}

const input = createInterface({ input: process.stdin });
const [line] = (await once(input, 'line')) as [string];
const [mode] = process.argv.slice(2);
const { place, keys: sealed, socketPath, spool, timeline } = JSON.parse(line) as Task;
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

if (mode === 'base') {
  const { added, length, revision } = await base(() => say({ taken: true }));
  say({ added, length, revision, memory: memory() });
  client.close();
  input.close();
} else {
  const end = new AbortController();
  input.once('close', () => end.abort());
  const status = await client.status();
  const members = { chosen: { spec: { name: 'bench' }, client, reads: true, status: { ...status, clusterId: timeline.split(':')[0]! } }, clients: new Map(), [Symbol.dispose]: () => {} } as never;
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
