import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { captureKeys, newCapture } from '../../src/backup/captures.ts';
import { changeRecipients } from '../../src/backup/change-recipients.ts';
import { appendHole, appendRecords } from '../../src/backup/change-log/append-log.ts';
import { logOf, logRanges } from '../../src/backup/change-log/coverage.ts';
import { LogMerger } from '../../src/backup/change-log/merge-log.ts';
import { readLog } from '../../src/backup/change-log/read-log.ts';
import { checkObjects } from '../../src/backup/check-objects.ts';
import { basesOf } from '../../src/backup/points.ts';
import { openRepository, openRepositoryAs, type Repository } from '../../src/backup/repository.ts';
import { grace, removeRetired, retire } from '../../src/backup/retention/clean-up.ts';
import { planRetention } from '../../src/backup/retention/plan-retention.ts';
import { retryingStore } from '../../src/backup/store/retrying-store.ts';
import type { Store } from '../../src/backup/store/store.ts';
import { TemporaryStoreError } from '../../src/backup/store/temporary-store-error.ts';
import { takeBase } from '../../src/backup/take-base.ts';
import { writeSnapshot } from '../../src/backup/write-snapshot.ts';
import { KubekeepError } from '../../src/lib/errors.ts';
import { madeRepository, type MadeRepository } from '../support/backup-repository.ts';
import { loneEtcd } from '../support/lone-etcd.ts';
import { memoryStore, objectsIn } from '../support/memory-store.ts';

const timeline = 'c1:0';
const day = 86_400_000;

/** What a store does at one write and afterwards. A killed writer writes nothing more. */
interface Failing {
  readonly title: string;
  /** Whether what it began comes to its end. */
  readonly passes?: true;
  readonly fail: (attempt: number) => 'before' | 'after' | Error | undefined;
}

const failings: readonly Failing[] = [
  { title: 'is killed before', fail: () => 'before' },
  { title: 'is killed after', fail: (attempt) => (attempt === 0 ? 'after' : 'before') },
  { title: 'is refused (403) at', fail: () => new KubekeepError('store-failed', 'cannot write it in there: S3 does not allow it (AccessDenied)') },
  { title: 'finds the store full at', fail: () => new KubekeepError('store-failed', 'cannot write it in there: ENOSPC: no space left on device') },
  { title: 'finds the store busy (503) four times at', passes: true, fail: (attempt) => (attempt < 4 ? new TemporaryStoreError('it is busy or disturbed (503 SlowDown)') : undefined) },
  { title: 'does not hear that the store has done', passes: true, fail: (attempt) => (attempt === 0 ? 'after' : undefined) },
];

/** A store that fails from write number `cut` on. `count` says how many there were. */
function failingStore(store: Store, cut: number, { fail, passes }: Failing): Store & { readonly count: () => number } {
  let writes = 0;
  const counted = <A extends readonly unknown[], T>(verb: (...args: A) => Promise<T>) => async (...args: A): Promise<T> => {
    const attempt = writes++ - cut;
    const outcome = attempt < 0 ? undefined : fail(attempt);
    if (outcome === 'before') throw new Error('killed');
    if (outcome instanceof Error) throw outcome;
    const result = await verb(...args);
    if (outcome !== 'after') return result;
    throw passes ? new TemporaryStoreError('it closed the connection') : new Error('killed');
  };
  return { ...store, create: counted(store.create), overwrite: counted(store.overwrite), remove: counted(store.remove), count: () => writes };
}

describe('a writer of a repository that', () => {
  let folder: string;
  let made: MadeRepository;
  let bob: string;
  let ann: string;
  /** Of etcd, two of them. */
  const snapshots: { readonly bytes: Buffer; readonly revision: number }[] = [];
  let template: ReadonlyMap<string, Uint8Array>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-killed-'));
    [ann, bob] = await Promise.all([0, 1].map(async () => identityToRecipient(await generateX25519Identity()))) as [string, string];
    await using etcd = await loneEtcd(folder);
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 3; number++) await etcd.write(Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`/registry/${round}/${number}-${key}`, `${'v'.repeat(500)}${key}`])));
      snapshots.push({ bytes: Buffer.concat(await Array.fromAsync(etcd.client.snapshot())), revision: (await etcd.client.status()).revision });
    }
    made = await madeRepository({ more: [ann] });
    const repository = await made.open();
    await base(repository, 0, Date.now() - 2 * day);
    await log(repository, snapshots[0]!.revision + 1, 4, true);
    await base(repository, 1, Date.now() - day);
    // Something that a prune a day ago has named.
    await prune(repository, Date.now() - day);
    template = await objectsIn(made.folder);
  });
  after(async () => {
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function base(repository: Repository, number: number, time = Date.now()): Promise<void> {
    await takeBase(repository, {
      timeline, etcd: '3.7.3', member: 'm1', quorum: true, hashes: async () => [],
      async *snapshot() {
        yield snapshots[number]!.bytes;
      },
    }, { writer: made.keys.writer, spoolFolder: folder, now: () => time, bundle: Buffer.from(`keys ${number}`) });
  }
  /** Two revisions a piece, from the first on or from where another attempt ended. */
  async function log(repository: Repository, first: number, pieces: number, merge = false): Promise<void> {
    const key = await newCapture(repository);
    const merger = new LogMerger(repository, { writer: made.keys.writer, timeline });
    for (let piece = 0; piece < pieces; piece++) {
      const records = [0, 1].map((one) => first + piece * 2 + one).map((revision) => ({ revision, received: Date.now() - day, changes: [{ revision, key: Buffer.from('k'), value: Buffer.from('v'), createRevision: 1, version: 1, lease: 0n }] }));
      await appendRecords(repository, { records, leases: new Map() }, { writer: made.keys.writer, timeline, member: 'm1', key });
      await merger.add({ records, leases: new Map() }, { member: 'm1', key });
    }
    if (merge) await merger.catalog({ member: 'm1', key });
  }
  const cleanUp = (now: number) => ({ owner: made.keys.owner, now, signal: new AbortController().signal, onRemoved: () => {} });
  async function prune(repository: Repository, now = Date.now()) {
    const removed = await removeRetired(repository, cleanUp(now));
    const plan = planRetention(repository.chain, { within: 0, last: 1, hourly: 0, daily: 0, weekly: 0, rehearsed: 0 }, now, () => false);
    return { ...removed, ...(await retire(repository, plan, cleanUp(now))) };
  }
  const change = (how: (list: readonly string[]) => readonly string[]) => (repository: Repository) =>
    changeRecipients(repository, ({ recipients, escrow }) => ({ recipients: how(recipients), escrow: how(escrow) }), { keys: made.keys, identity: made.identity, now: Date.now });

  const works: readonly (readonly [string, (repository: Repository) => Promise<unknown>])[] = [
    ['takes a base', (repository) => base(repository, 2)],
    ['writes the log and merges it', (repository) => log(repository, snapshots[0]!.revision + 9, 4, true)],
    ['covers a hole', async (repository) => {
      await base(repository, 2);
      await appendHole(repository, { writer: made.keys.writer, timeline }, { after: snapshots[0]!.revision + 8, last: snapshots[2]!.revision, why: 'a test' });
    }],
    ['says what goes', async (repository) => {
      await base(repository, 2);
      await prune(repository);
    }],
    ['takes away what goes', (repository) => prune(repository, Date.now() + grace)],
    ['lets one more read', change((list) => [...new Set([...list, bob])])],
    ['lets one fewer read', change((list) => list.filter((one) => one !== ann))],
  ];

  /** Nothing is wrong, everything that is counted comes back. */
  async function expectWhole(store: Store, what: string, files = false): Promise<{ readonly bases: number; readonly end: number }> {
    const reader = await openRepositoryAs(store, made.identity);
    const { problems } = await checkObjects(reader, { identity: made.identity, escrow: true, share: 1, seed: 1, signal: new AbortController().signal, onObject: () => {} });
    assert.deepEqual(problems, [], what);
    const keys = captureKeys(reader, made.identity);
    const bases = basesOf(reader.chain);
    const path = join(folder, 'out.db');
    for (const one of files ? bases : []) {
      // It compares what comes back with what etcd sent.
      await writeSnapshot(reader, one, path, keys);
      await rm(path);
    }
    for (const range of logRanges(reader.chain)) if (range.kind === 'segment') await Array.fromAsync(readLog(reader, { timeline, first: range.first, last: range.last }, keys));
    return { bases: bases.length, end: logOf(reader.chain, timeline).at(-1)?.last ?? 0 };
  }

  for (const [title, work] of works) {
    it(`${title}, wherever it ends: what is counted is whole, the next one finishes it, and what was left is cleaned up`, { timeout: 120_000 }, async () => {
      let cuts = 0;
      const before = await expectWhole(memoryStore(template), 'before', true);
      for (const failing of failings) {
        for (let cut = 0, done = false; !done; cut++) {
          const place = memoryStore(template);
          const store = failingStore(place, cut, failing);
          const retrying = retryingStore(store, { clock: { sleep: async () => {} }, draw: () => 0, signal: new AbortController().signal });
          const failed = await openRepository(failing.passes ? retrying : store, made.keys).then(work).then(() => undefined, (error: Error) => error);
          const what = `${failing.title} write ${cut}`;
          done = store.count() <= cut;
          cuts = Math.max(cuts, cut);
          // What the store does not remove is said, and no failure.
          if (done || failing.passes) assert.equal(failed, undefined, what);
          else if (failed instanceof KubekeepError) assert.equal(failed.code, 'store-failed', what);
          const between = await expectWhole(place, what);
          assert.ok(between.end >= before.end, what);
          // What is left is the same, whyever it ended.
          if (!failing.title.includes('killed')) continue;
          const next = await openRepository(place, made.keys);
          await work(next);
          await expectWhole(place, `${what}, and again`);
          for (const days of [2, 4]) await prune(next, Date.now() + days * day);
          assert.deepEqual({ ...(await prune(next, Date.now() + 6 * day)), bases: (await expectWhole(place, `${what}, and cleaned up`, true)).bases }, { removed: 0, refused: [], objects: 0, bases: 1 }, what);
        }
      }
      assert.ok(cuts >= 3, `${cuts} writes`);
    });
  }
});
