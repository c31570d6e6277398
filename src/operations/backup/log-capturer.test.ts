import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { madeRepository, type MadeRepository } from '../../../test/support/backup-repository.ts';
import { pagedRepository, timeline as pagedTimeline } from '../../../test/support/paged-repository.ts';
import { captureKeys, newCapture } from '../../backup/captures.ts';
import { appendRecords } from '../../backup/change-log/append-log.ts';
import { logEnd, logOf, type LogPart } from '../../backup/change-log/coverage.ts';
import { LogMerger } from '../../backup/change-log/merge-log.ts';
import { readLog } from '../../backup/change-log/read-log.ts';
import { changeRecipients } from '../../backup/change-recipients.ts';
import { baseOf, type BaseBody } from '../../backup/points.ts';
import { newSigningKey } from '../../backup/repository-keys.ts';
import { openRepositoryAs, type Repository } from '../../backup/repository.ts';
import { grace } from '../../backup/retention/clean-up.ts';
import { folderStore } from '../../backup/store/folder-store.ts';
import { addWriters } from '../../backup/writers.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { EtcdError } from '../../clients/etcd/etcd-error.ts';
import type { EtcdChange, EtcdChanges } from '../../clients/etcd/watch.ts';
import { Secret } from '../../lib/secret.ts';
import { silent } from '../../lib/progress.ts';
import { LogCapturer } from './log-capturer.ts';

const change = (revision: number, lease = 0n): EtcdChange => ({ revision, key: Buffer.from(`k${revision}`), value: Buffer.from('v'), createRevision: revision, version: 1, lease });
const changes = (...revisions: readonly number[]): EtcdChanges => ({ changes: revisions.map((revision) => change(revision)), again: [], upTo: undefined });
const again = (...all: readonly EtcdChange[]): EtcdChanges => ({ changes: [], again: all, upTo: undefined });
const upTo = (revision: number): EtcdChanges => ({ changes: [], again: [], upTo: revision });
const ended = () => new EtcdError('unreachable', 'the member died');

/** What the watches of one etcd bring, one after the other; each ends with an error. */
interface Script {
  readonly watches: readonly (readonly (EtcdChanges | Error)[])[];
  readonly revision?: number;
  readonly ttl?: (lease: bigint) => Promise<number | undefined>;
  /** The watch during which some minutes pass. */
  readonly slow?: number;
  /** What a second member says to HashKV. */
  readonly hashKv?: EtcdClient['hashKv'];
  /** ms that pass before each watch. */
  readonly pause?: number;
  /** ms by which its clock is wrong in each watch. */
  readonly jumps?: readonly number[];
  /** What happens while members are asked. */
  readonly asked?: (timeline: string) => Promise<void>;
}

describe('a capturer of the log', () => {
  let made: MadeRepository;
  let count = 0;
  before(async () => void (made = await madeRepository()));
  after(() => made[Symbol.asyncDispose]());

  /** Runs as many captures as there are watches: how each ended, where each began, the log and its revisions. */
  async function run({ watches, revision = 1000, ttl = () => Promise.resolve(600), slow = Infinity, hashKv, pause = 0, jumps = [], asked = async () => {} }: Script, altered: (repository: Repository) => Repository = (same) => same) {
    const timeline = `c${++count}:0`;
    const repository = altered(await made.open());
    const starts: number[] = [];
    const takeBase = async (at: number, time = Date.now()) => {
      const body: BaseBody = { timeline, revision: at, time, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0, hashes: [] };
      return baseOf((await repository.chain.append('base', made.keys.writer, () => body))!);
    };
    await takeBase(100);
    let next = 200;
    let turn = 0;
    let passed = 0;
    const client = {
      async *watch(from: number) {
        starts.push(from);
        passed += pause;
        for (const answer of watches[turn++]!) {
          if (answer instanceof Error) throw answer;
          yield answer;
        }
        throw ended();
      },
      leaseTtl: ttl,
      hashKv,
    } as unknown as EtcdClient;
    const nearest = { spec: { name: 'cp1' }, client, reads: true, status: { clusterId: timeline.split(':')[0], revision } } as never;
    const capturer = new LogCapturer({
      repository, writer: made.keys.writer, progress: silent, signal: new AbortController().signal,
      clock: { now: () => Date.now() + (jumps[turn - 1] ?? 0), monotonic: () => performance.now() + passed + (turn >= slow ? 400_000 : 0), sleep: async () => {} },
      ask: async () => {
        await asked(timeline);
        return { chosen: nearest, nearest, names: [], clients: new Map(hashKv ? [['cp1', client]] : []), [Symbol.dispose]: () => {} };
      },
      takeBase: () => takeBase((next += 100)),
      remember: async () => {},
    });
    const outcomes: string[] = [];
    for (const _ of watches) outcomes.push(await capturer.capture().then(() => 'covered', (error: { reason?: string; code?: string }) => error.reason ?? error.code ?? 'bug'));
    await capturer.settled();
    const parts = logOf(repository.chain, timeline);
    const ranges = parts.map(({ kind, first, last }: LogPart) => `${kind} ${first}-${last}`);
    const segments = parts.filter((part) => part.kind === 'segment');
    const read = await Promise.all(segments.map(({ first, last }) => Array.fromAsync(readLog(repository, { timeline, first, last }, captureKeys(repository, made.identity)))));
    const hashes = parts.flatMap((part) => (part.kind === 'segment' && part.hashes ? [part.hashes] : []));
    return { whole: capturer.whole?.revision, outcomes, starts, ranges, hashes, from: segments.map(({ from }) => from), captures: segments.map(({ capture }) => capture), leases: new Map(read.flat().flatMap(({ leases }) => [...leases])) };
  }

  it('goes on where the log ends, with what came before the watch ended in it', async () => {
    const { captures, whole: _, ...rest } = await run({ watches: [[changes(101, 102), upTo(102), changes(103)], [changes(104), upTo(104)]] });
    assert.equal(new Set(captures).size, 1);
    assert.deepEqual({ ...rest, from: [] }, { from: [], outcomes: ['unreachable', 'unreachable'], starts: [100, 103], ranges: ['segment 101-103', 'segment 104-104'], hashes: [], leases: new Map() });
  });

  it('knows when etcd had nothing more than the log', async () => {
    assert.equal((await run({ watches: [[upTo(100)]] })).whole, 100);
    assert.equal((await run({ watches: [[upTo(100), changes(101), upTo(101)]] })).whole, 100, 'what came last was not in the store yet');
    assert.equal((await run({ watches: [[changes(101)], [upTo(101)]] })).whole, 101);
    assert.equal((await run({ watches: [[upTo(100), upTo(101)]] })).whole, 100);
  });

  it('loses nothing where its clock jumps, and writes under another key, since it may have slept', async () => {
    const hour = 3_660_000;
    const { ranges, captures, from } = await run({ watches: [[changes(101)], [changes(102)], [changes(103)], [changes(104)]], jumps: [0, -hour, -hour + 5000, hour] });
    assert.deepEqual(ranges, ['segment 101-101', 'segment 102-102', 'segment 103-103', 'segment 104-104']);
    assert.deepEqual(captures.map((one) => captures.indexOf(one)), [0, 1, 1, 3]);
    assert.ok(from[1]! < from[0]! && from[3]! > from[0]!);
  });

  it('merges its pieces every five minutes', async () => {
    const { starts, ranges, leases } = await run({ watches: [[changes(101)], [{ changes: [change(102, 7n)], again: [], upTo: undefined }], [changes(103, 104)], [changes(105)]], slow: 3 });
    assert.deepEqual({ starts, ranges, leases }, { starts: [100, 101, 102, 104], ranges: ['segment 101-104', 'segment 105-105'], leases: new Map([[7n, 600]]) });
  });

  it('begins anew at a gap, and covers it only where it is there again: a base, and then the hole', async () => {
    for (const gap of [changes(104), upTo(103)]) {
      const { outcomes, starts, ranges } = await run({ watches: [[changes(101, 102), gap], [changes(103), upTo(103)], [upTo(109)], [upTo(109)], [changes(301)]] });
      assert.deepEqual(outcomes, ['log-gap', 'unreachable', 'log-gap', 'covered', 'unreachable']);
      assert.deepEqual(starts, [100, 102, 103, 103, 300]);
      assert.deepEqual(ranges, ['segment 101-102', 'segment 103-103', 'hole 104-300', 'segment 301-301']);
    }
  });

  it('covers what was compacted, and says nothing of a hole where the log has not begun', async () => {
    const compacted = new EtcdError('compacted', 'gone');
    assert.deepEqual((await run({ watches: [[changes(101), compacted], [changes(301)]] })).ranges, ['segment 101-101', 'hole 102-300', 'segment 301-301']);
    const { starts, ranges } = await run({ watches: [[compacted], [changes(301)]] });
    assert.deepEqual({ starts, ranges }, { starts: [100, 300], ranges: ['segment 301-301'] });
  });

  it('asks again for a lease that it was not told, and writes what each lease of a piece was granted', async () => {
    let asked = 0;
    const ttl = async () => (++asked === 1 ? Promise.reject(new EtcdError('timed-out', 'no answer')) : 3660);
    const leased: EtcdChanges = { changes: [change(101, 7n)], again: [], upTo: undefined };
    const { outcomes, leases } = await run({ watches: [[leased], [{ changes: [change(102, 7n)], again: [], upTo: undefined }]], ttl });
    assert.deepEqual(outcomes, ['timed-out', 'unreachable']);
    assert.deepEqual(leases, new Map([[7n, 3660]]));
  });

  it('writes down once a minute what members say they have at a revision, and goes on where one does not say it', async () => {
    const answer: EtcdClient['hashKv'] = async (revision) => ({ hash: revision * 7, revision, compactRevision: 90 });
    const watches = [[changes(101), changes(102)], [changes(103), changes(104)]];
    const said = (revision: number) => ({ revision, members: [{ member: 'cp1', hash: revision * 7, compactRevision: 90 }] });
    assert.deepEqual((await run({ watches, hashKv: answer })).hashes, [said(101)]);
    assert.deepEqual((await run({ watches, hashKv: answer, pause: 61_000 })).hashes, [said(101), said(103)]);
    const merged = await run({ watches: [[changes(101)], [changes(102), changes(103)], [changes(104)]], hashKv: answer, slow: 2 });
    assert.deepEqual([merged.ranges, merged.hashes], [['segment 101-103', 'segment 104-104'], [said(102)]], 'the newest of the pieces stays');
    const { hashes, ranges } = await run({ watches, hashKv: () => Promise.reject(new EtcdError('compacted', 'gone')), pause: 61_000 });
    assert.deepEqual({ hashes, ranges }, { hashes: [], ranges: ['segment 101-102', 'segment 103-104'] });
  });

  /** A capturer beside another one, that watches what `watch` yields; ms pass where it says so. */
  async function beside(watch: (other: { readonly append: (revision: number) => Promise<void>; readonly catalog: () => Promise<void>; readonly pass: (ms: number) => void; readonly repository: Repository }) => AsyncIterable<EtcdChanges>) {
    const [mine, other] = [newSigningKey(), newSigningKey()];
    const [repository, theirs] = [await made.open(), await made.open()];
    await addWriters(repository, made.keys, [mine, other]);
    await theirs.chain.refresh();
    const timeline = `c${++count}:0`;
    let now = Date.now();
    const body: BaseBody = { timeline, revision: 100, time: now, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0, hashes: [] };
    await theirs.chain.append('base', made.keys.writer, () => body);
    const options = { member: 'cp2', key: await newCapture(theirs) };
    const merger = new LogMerger(theirs, { writer: other, timeline });
    const append = async (revision: number) => {
      const piece = { records: [{ revision, received: now, changes: [change(revision)] }], leases: new Map() };
      await appendRecords(theirs, piece, { writer: other, timeline, ...options });
      await merger.add(piece, options);
    };
    const client = { watch: () => watch({ append, catalog: () => merger.catalog(options), pass: (ms) => (now += ms), repository }) } as unknown as EtcdClient;
    await append(101);
    const chosen = { spec: { name: 'cp1' }, client, reads: true, status: { clusterId: timeline.split(':')[0], revision: 101 } } as never;
    const capturer = new LogCapturer({
      repository, writer: mine, progress: silent, signal: new AbortController().signal, clock: { now: () => now, monotonic: () => now, sleep: async () => {} },
      ask: async () => ({ chosen, nearest: chosen, names: [], clients: new Map(), [Symbol.dispose]: () => {} }), takeBase: async () => assert.fail('no base is due'), remember: async () => {},
    });
    await assert.rejects(capturer.capture(), { reason: 'unreachable' });
    return logOf(repository.chain, timeline).map(({ number, first, last }) => [first, last, repository.chain.entries.find((entry) => entry.number === number)!.writer === mine.writer]);
  }

  it('leaves the log to another one that writes it, and goes on when that one is silent', async () => {
    const written = await beside(async function* ({ append, pass, repository }) {
      yield changes(102);
      pass(2000);
      yield upTo(102);
      await append(102);
      yield changes(103);
      pass(2000);
      yield upTo(103);
      // Twice as long as the longest that one waits.
      pass(12_000);
      yield upTo(103);
      // What is left at the end of a watch is appended in any case.
      assert.equal((repository.chain.entries.at(-1)!.body as { last: number }).last, 103);
      throw ended();
    });
    assert.deepEqual(written, [[101, 101, false], [102, 102, false], [103, 103, true]]);
  });

  it('stores nothing of what another one writes and merges, and merges it where that one does not', async () => {
    const stored = async () => (await Promise.all(['segments/', 'indexes/', 'captures/'].map((prefix) => folderStore(made.folder).list(prefix)))).map(({ length }) => length);
    const written = await beside(async function* ({ append, catalog, pass }) {
      const before = await stored();
      for (let revision = 102; revision <= 106; revision++) {
        await append(revision);
        if (revision === 103) await catalog();
        yield changes(revision);
        pass(200_000);
        if (revision === 106) assert.deepEqual(await stored(), before.map((one, index) => one + [1, 1, 0][index]!), 'but the other one');
        yield upTo(revision);
      }
      assert.deepEqual(await stored(), before.map((one, index) => one + [2, 2, 1][index]!));
      throw ended();
    });
    assert.deepEqual(written, [[101, 103, false], [104, 106, true]]);
  });

  it('goes on behind what others wrote while it was cut off, also where all of that was cleaned up', async () => {
    await using paged = await pagedRepository();
    const { keys } = paged.made;
    let now = Date.now();
    await paged.addBase(10, now);
    await paged.addLog(11, 12, now, false);
    const repository = await paged.made.open();
    await paged.addLog(13, 30, now, true);
    const planned = now;
    await paged.prune(planned);
    now += grace;
    await paged.prune(now, { planned });
    const starts: number[] = [];
    const client = {
      async *watch(from: number) {
        starts.push(from);
        yield changes(31);
        throw ended();
      },
    } as unknown as EtcdClient;
    const nearest = { spec: { name: 'cp1' }, client, reads: true, status: { clusterId: pagedTimeline.split(':')[0], revision: 31 } } as never;
    const capturer = new LogCapturer({
      repository, writer: keys.writer, progress: silent, signal: new AbortController().signal, clock: { now: () => now, monotonic: () => now, sleep: async () => {} },
      ask: async () => ({ chosen: nearest, nearest, names: [], clients: new Map(), [Symbol.dispose]: () => {} }), takeBase: async () => assert.fail('no hole is there'), remember: async () => {},
    });
    await assert.rejects(capturer.capture(), { reason: 'unreachable' });
    assert.deepEqual(starts, [30]);
    assert.equal(logEnd((await paged.made.read()).chain.entries, pagedTimeline), 31);
  });

  it('appends again what the store did not take', async () => {
    let writes = 0;
    const failing = (repository: Repository): Repository => ({ ...repository, store: { ...repository.store, create: async (name, bytes) => (name.startsWith('captures/') && ++writes === 1 ? Promise.reject(new EtcdError('refused', 'full')) : repository.store.create(name, bytes)) } });
    const { starts, ranges } = await run({ watches: [[changes(101, 102)], [changes(101, 102)]] }, failing);
    assert.deepEqual({ starts, ranges }, { starts: [100, 100], ranges: ['segment 101-102'] });
  });

  it('takes nothing from an etcd that is behind the log: its history is another one', async () => {
    const { outcomes, ranges } = await run({ watches: [[changes(101)]], revision: 99 });
    assert.deepEqual({ outcomes, ranges }, { outcomes: ['repository-mismatch'], ranges: [] });
  });

  it('goes on where another one appended while members were asked, and their slowest had not answered', async () => {
    const theirs = await made.open();
    const append = async (timeline: string) => appendRecords(theirs, { records: [change(101), change(102)].map((one) => ({ revision: one.revision, received: Date.now(), changes: [one] })), leases: new Map() }, { writer: made.keys.writer, timeline, member: 'cp2', key: await newCapture(theirs) });
    const { outcomes, starts, ranges } = await run({ watches: [[changes(101, 102), changes(103)]], revision: 100, asked: append });
    assert.deepEqual({ outcomes, starts, ranges }, { outcomes: ['unreachable'], starts: [100], ranges: ['segment 101-102', 'segment 103-103'] });
  });

  it('takes nothing from an etcd that says something else of the last revision that the log has', async () => {
    const other = { ...change(102), value: Buffer.from('w') };
    const deletion = { ...change(102), value: undefined };
    const { outcomes, ranges } = await run({ watches: [[changes(101, 102)], [again(change(102), deletion), changes(103)], [again({ ...change(103), version: 2 }), changes(104)], [again(other), changes(104)]] });
    assert.deepEqual(outcomes, ['unreachable', 'unreachable', 'repository-mismatch', 'repository-mismatch']);
    assert.deepEqual(ranges, ['segment 101-102', 'segment 103-103']);
  });

  it('wraps its key again for those who became recipients while it watched, and writes the next piece under another one', async () => {
    const bob = await generateX25519Identity();
    const recipient = await identityToRecipient(bob);
    // While the second piece waits for the answer about its lease.
    const ttl = async (lease: bigint) => {
      if (lease === 2n) await changeRecipients(await made.open(), ({ recipients, escrow }) => ({ recipients: [...recipients, recipient], escrow }), { keys: made.keys, identity: made.identity, now: Date.now });
      return 600;
    };
    const leased = (revision: number, lease: bigint): EtcdChanges => ({ changes: [change(revision, lease)], again: [], upTo: undefined });
    const { captures } = await run({ watches: [[leased(101, 1n)], [leased(102, 2n)], [leased(103, 3n)]], ttl });
    assert.deepEqual(captures.map((one) => captures.indexOf(one)), [0, 0, 2]);
    const reader = await openRepositoryAs(folderStore(made.folder), new Secret(bob));
    for (const capture of captures) await captureKeys(reader, new Secret(bob))(capture);
  });
});
