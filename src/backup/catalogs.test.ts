import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, afterEach, describe, it } from 'node:test';
import { madeRepository, type MadeRepository } from '../../test/support/backup-repository.ts';
import { captureKeys, newCapture, type Capture } from './captures.ts';
import { appendHole, appendRecords } from './change-log/append-log.ts';
import { logOf } from './change-log/coverage.ts';
import { LogMerger } from './change-log/merge-log.ts';
import { readLog } from './change-log/read-log.ts';
import { encodeCatalogList } from './format/catalog-list.ts';
import { entryName } from './format/chain-entry.ts';
import type { Segment } from './format/segment.ts';
import { basesOf, type BaseBody } from './points.ts';
import { openRepository, type Repository } from './repository.ts';
import { folderStore } from './store/folder-store.ts';

const timeline = 'one:0';
const segment = (first: number, last: number): Segment => ({
  records: Array.from({ length: last - first + 1 }, (_, index) => ({ revision: first + index, received: 1000 * (first + index), changes: [{ revision: first + index, key: Buffer.from('k'), value: Buffer.from('v'), createRevision: 1, version: 1, lease: 7n }] })),
  leases: new Map([[BigInt(first), first]]),
});
const base = (revision: number): BaseBody => ({ timeline, revision, time: 1000 * revision, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0, hashes: [] });

describe('a catalog', () => {
  let made: MadeRepository;
  let repository: Repository;
  let key: Capture;
  beforeEach(async () => {
    made = await madeRepository();
    repository = await made.open();
    key = await newCapture(repository);
  });
  afterEach(() => made[Symbol.asyncDispose]());

  const addBase = (revision: number, to = repository) => to.chain.append('base', made.keys.writer, () => base(revision));
  const options = () => ({ member: 'cp1', key });
  /** Pieces of so many revisions, and what a capturer keeps of them to merge. */
  async function follow(first: number, last: number, length: number, to = repository, merger = new LogMerger(to, { writer: made.keys.writer, timeline })): Promise<LogMerger> {
    for (let from = first; from <= last; from += length) {
      const piece = segment(from, Math.min(last, from + length - 1));
      await appendRecords(to, piece, { writer: made.keys.writer, timeline, ...options() });
      await merger.add(piece, options());
    }
    return merger;
  }
  async function revisions(first: number, last: number): Promise<readonly number[]> {
    const reader = await made.read();
    const pieces = await Array.fromAsync(readLog(reader, { timeline, first, last }, captureKeys(reader, made.identity)));
    return pieces.flatMap(({ records }) => records.map(({ revision }) => revision));
  }
  const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const parts = async () => logOf((await made.read()).chain, timeline).map(({ kind, first, last }) => [kind, first, last]);
  const damaged = (message: RegExp) => ({ code: 'repository-damaged', message });

  /** How many objects opening reads. */
  async function readsToOpen(): Promise<number> {
    const store = folderStore(made.folder);
    let reads = 0;
    await openRepository({ ...store, read: (name) => (reads++, store.read(name)) }, made.keys);
    return reads;
  }

  it('stands for all before it: a reader begins there and finds the same bases, holes and revisions', async () => {
    await addBase(10);
    const merger = await follow(11, 310, 2);
    const before = await readsToOpen();
    await merger.catalog(options());
    const after = await readsToOpen();
    assert.ok(before > 150 && after < 15, `${before} objects were read before, and ${after} after`);
    assert.deepEqual(await parts(), [['segment', 11, 310]]);
    assert.deepEqual(await revisions(11, 310), range(11, 310));
    assert.deepEqual(await revisions(100, 101), [100, 101]);
    await addBase(310);
    await appendHole(repository, { writer: made.keys.writer, timeline }, { after: 310, last: 320, why: 'test' });
    await (await follow(321, 330, 3)).catalog(options());
    assert.deepEqual(await parts(), [['segment', 11, 310], ['hole', 311, 320], ['segment', 321, 330]]);
    assert.deepEqual(basesOf((await made.read()).chain).map(({ revision }) => revision), [10, 310]);
    assert.deepEqual((await made.read()).recipients, repository.recipients);
  });

  it('is taken up by who has the repository open, who goes on as before', async () => {
    await addBase(10);
    const other = await made.open();
    const merger = await follow(11, 60, 5);
    await other.chain.refresh();
    assert.equal(logOf(other.chain, timeline).length, 10);
    await merger.catalog(options());
    await follow(61, 70, 5, other);
    assert.deepEqual(logOf(other.chain, timeline).map(({ first, last }) => [first, last]), [[11, 60], [61, 65], [66, 70]]);
    assert.deepEqual(await revisions(11, 70), range(11, 70));
  });

  it('has each revision once, whoever of two that write at once merges what', async () => {
    await addBase(10);
    const other = await made.open();
    const mergers = [repository, other].map((one) => new LogMerger(one, { writer: made.keys.writer, timeline }));
    for (let first = 11; first <= 200; first += 10) {
      await Promise.all([follow(first, first + 9, 3, repository, mergers[0]), follow(first, first + 9, 4, other, mergers[1])]);
      if (first % 30 === 11) await Promise.all(mergers.map((merger) => merger.catalog(options())));
    }
    assert.deepEqual(await revisions(11, 200), range(11, 200));
    assert.ok((await parts()).length < 30, String((await parts()).length));
  });

  it('is not appended by who did not know of another one that came first', async () => {
    await addBase(10);
    const other = await made.open();
    const merger = await follow(11, 60, 5);
    await other.chain.refresh();
    await Promise.all([merger.catalog(options()), other.chain.catalog(made.keys.writer, [])]);
    await other.chain.refresh();
    assert.equal(other.chain.entries.filter(({ kind }) => kind === 'catalog').length, 1);
    assert.deepEqual(await revisions(11, 60), range(11, 60));
  });

  it('keeps what is known of leases', async () => {
    await addBase(10);
    await (await follow(11, 30, 5)).catalog(options());
    const reader = await made.read();
    const [all] = await Array.fromAsync(readLog(reader, { timeline, first: 11, last: 30 }, captureKeys(reader, made.identity)));
    assert.deepEqual([...all!.leases], [[11n, 11], [16n, 16], [21n, 21], [26n, 26]]);
  });

  it('keeps what is known of leases of records that come into a later one', async () => {
    await addBase(10);
    const merger = await follow(11, 20, 5);
    // Another one has appended these as a piece that ends later than what this one has.
    await appendRecords(repository, segment(21, 30), { writer: made.keys.writer, timeline, ...options() });
    await merger.add({ records: segment(21, 25).records, leases: new Map([[7n, 600]]) }, options());
    await merger.catalog(options());
    await merger.add({ records: segment(26, 30).records, leases: new Map() }, options());
    await (await follow(31, 35, 5, repository, merger)).catalog(options());
    assert.deepEqual(await parts(), [['segment', 11, 20], ['segment', 21, 35]]);
    const reader = await made.read();
    const [all] = await Array.fromAsync(readLog(reader, { timeline, first: 21, last: 35 }, captureKeys(reader, made.identity)));
    assert.deepEqual([...all!.leases], [[7n, 600], [31n, 31]], 'and nothing of those of the one before');
  });

  it('has no segment that reaches over a hole or begins inside of a piece', async () => {
    await addBase(10);
    const merger = new LogMerger(repository, { writer: made.keys.writer, timeline });
    await follow(11, 20, 5);
    await merger.add(segment(13, 40), options());
    const log = { writer: made.keys.writer, timeline };
    await appendHole(repository, log, { after: 20, last: 25, why: 'test' });
    await appendRecords(repository, segment(26, 33), { ...log, ...options() });
    await appendRecords(repository, segment(34, 40), { ...log, ...options() });
    await merger.catalog(options());
    assert.deepEqual(await parts(), [['segment', 11, 15], ['segment', 16, 20], ['hole', 21, 25], ['segment', 26, 40]]);
    assert.deepEqual(await revisions(26, 40), range(26, 40));
  });

  it('has what one held whom another one left the merging to: what that one merged is let go, and the oldest of what is too much stays in pieces', async () => {
    await addBase(10);
    const other = await made.open();
    const standby = new LogMerger(other, { writer: made.keys.writer, timeline });
    const hold = async (piece: Segment) => {
      await other.chain.refresh();
      standby.hold(piece);
    };
    const merger = await follow(11, 20, 5);
    await hold(segment(11, 15));
    await merger.catalog(options());
    assert.equal(standby.continues(timeline, 99), false);
    await hold(segment(16, 20));
    assert.equal(standby.continues(timeline, 99), true, 'nothing is left of it');
    const large = Buffer.alloc(5 << 20);
    for (let revision = 21; revision <= 25; revision++) {
      const [record] = segment(revision, revision).records;
      const piece: Segment = { records: [{ ...record!, changes: [{ ...record!.changes[0]!, value: large }] }], leases: new Map() };
      await appendRecords(repository, piece, { writer: made.keys.writer, timeline, ...options() });
      await hold(piece);
    }
    await standby.catalog(options());
    assert.deepEqual(await parts(), [['segment', 11, 20], ['segment', 21, 21], ['segment', 22, 22], ['segment', 23, 25]]);
  });

  it('has no segment whose pieces are not all there, since another catalog has merged some of them, nor one that begins inside of a piece', async () => {
    await addBase(10);
    const mergers = [10, 30, 12].map(() => new LogMerger(repository, { writer: made.keys.writer, timeline }));
    await follow(11, 60, 5);
    await mergers[0]!.add(segment(11, 40), options());
    await mergers[1]!.add(segment(31, 60), options());
    await mergers[2]!.add(segment(13, 25), options());
    const other = await made.open();
    const late = new LogMerger(other, { writer: made.keys.writer, timeline });
    await late.add(segment(11, 40), options());
    const merges = mergers.map((merger) => merger.catalog(options()));
    await Promise.all(merges);
    await late.catalog(options());
    for (const merger of [mergers[0]!, mergers[2]!]) await merger.catalog(options());
    assert.deepEqual(await revisions(11, 60), range(11, 60));
  });

  it('has no segment that was merged before another catalog had others of its pieces', async () => {
    await addBase(10);
    const other = await made.open();
    await follow(11, 60, 5);
    await other.chain.refresh();
    const body = { timeline, first: 11, last: 40, from: 0, to: 0, member: 'cp1', capture: '', fingerprint: '', object: 'f'.repeat(64) };
    const merger = new LogMerger(repository, { writer: made.keys.writer, timeline });
    await merger.add(segment(31, 60), options());
    await merger.catalog(options());
    await other.chain.refresh();
    await other.chain.catalog(made.keys.writer, [{ writer: made.keys.writer.writer, body }]);
    assert.deepEqual((await parts()).at(-1), ['segment', 31, 60]);
    assert.deepEqual(await revisions(11, 60), range(11, 60));
  });

  it('that claims to reach beyond itself is refused', async () => {
    await addBase(10);
    const { number, hash } = repository.chain.newest!;
    await assert.rejects(repository.chain.append('catalog', made.keys.writer, () => ({ upTo: number + 1, hash, lists: [] })), damaged(/its catalog ends at entry 4|does not have/));
  });

  it('keeps what was in full lists, and writes the others anew', async () => {
    for (let revision = 1; revision <= 1100; revision++) await addBase(revision);
    await repository.chain.catalog(made.keys.writer, []);
    const tables = async () => (await readdir(join(made.folder, 'tables'), { recursive: true })).filter((name) => name.includes('/'));
    const before = await tables();
    assert.equal(before.length, 3);
    await addBase(1101);
    const later = await made.open();
    await later.chain.catalog(made.keys.writer, []);
    assert.equal((await tables()).length, 4);
    assert.equal(basesOf((await made.read()).chain).length, 1101);
  });

  it('is found without the hint, with a wrong one, and with one that is behind', async () => {
    await addBase(10);
    const merger = await follow(11, 60, 5);
    await merger.catalog(options());
    const first = await readFile(join(made.folder, 'head'));
    await (await follow(61, 100, 5)).catalog(options());
    for (const hint of [first, Buffer.from('99\n'), Buffer.from('1\n'), Buffer.from('3\n'), Buffer.from('no number\n'), Buffer.alloc(0), undefined]) {
      if (hint) await writeFile(join(made.folder, 'head'), hint);
      else await rm(join(made.folder, 'head'));
      assert.deepEqual(await parts(), [['segment', 11, 60], ['segment', 61, 100]], String(hint));
      assert.deepEqual(await revisions(11, 100), range(11, 100));
    }
  });

  it('that is damaged, or whose lists are, is refused and named', async () => {
    await addBase(10);
    await (await follow(11, 60, 5)).catalog(options());
    const tables = (await readdir(join(made.folder, 'tables'), { recursive: true })).filter((name) => name.includes('/'));
    const path = join(made.folder, 'tables', tables[0]!);
    const good = await readFile(path);
    const flipped = Buffer.from(good);
    flipped[70]! ^= 1;
    for (const bad of [flipped, good.subarray(0, 50), undefined]) {
      await rm(path);
      if (bad) await writeFile(path, bad);
      await assert.rejects(made.read(), damaged(new RegExp(`tables/${tables[0]}: `)));
    }
    await writeFile(path, good);
    await made.read();
    const entry = join(made.folder, entryName(repository.chain.newest!.number));
    const bytes = await readFile(entry);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(entry, bytes);
    await assert.rejects(made.read(), damaged(/chain\/\w+: it is not signed by a writer/));
  });

  for (const [title, lists, message] of [
    ['leaves a base out', (items) => items.toSpliced(2, 1), /does not have chain\/0*3 as it is/],
    ['has an entry twice', (items) => [...items, items[2]!], /not in order/],
    ['leaves a piece of the log out', (items) => items.toSpliced(-1, 1), /has another log than the chain/],
    ['leaves the first piece of the log out', (items) => items.toSpliced(3, 1), /has another log than the chain/],
    ['has another last revision', (items) => items.with(-1, { ...items.at(-1)!, segment: { ...(items.at(-1) as { segment: object }).segment, fingerprint: 'f'.repeat(32) } } as never), /has another log than the chain/],
    ['has a log that nobody wrote', (items) => items.with(-1, { ...items.at(-1)!, segment: { ...(items.at(-1) as { segment: object }).segment, timeline: 'two:0' } } as never), /has another log than the chain|does not follow/],
  ] as const satisfies readonly (readonly [string, (items: Parameters<typeof encodeCatalogList>[0]) => Parameters<typeof encodeCatalogList>[0], RegExp])[]) {
    it(`that ${title} is refused by who has read what it stands for`, async () => {
      await addBase(10);
      await follow(11, 30, 5);
      const reader = await made.open();
      const items = repository.chain.entries.map(({ number, hash, writer, bytes, body }) => (bytes ? { number, entry: bytes } : { number, hash, writer, segment: body }));
      const list = await repository.put('table', encodeCatalogList(lists(items)), repository.structure);
      const { number: upTo, hash } = repository.chain.newest!;
      await assert.rejects(repository.chain.append('catalog', made.keys.writer, () => ({ upTo, hash, lists: [list] })), damaged(message));
      await assert.rejects(reader.chain.refresh(), damaged(message));
    });
  }

  it('does not make a stranger a writer: what the owner said stands in it as the owner signed it', async () => {
    await addBase(10);
    const items = repository.chain.entries.map(({ number, bytes }) => ({ number, entry: Buffer.from(bytes!) }));
    items[1]!.entry[100]! ^= 1;
    const list = await repository.put('table', encodeCatalogList(items), repository.structure);
    const { number: upTo, hash } = repository.chain.newest!;
    await assert.rejects(repository.chain.append('catalog', made.keys.writer, () => ({ upTo, hash, lists: [list] })), damaged(/chain\/0*2: it is not signed by a writer/));
    await writeFile(join(made.folder, 'head'), `${upTo + 1}\n`);
    await assert.rejects(made.read(), damaged(/chain\/0*2: it is not signed by a writer/));
  });
});
