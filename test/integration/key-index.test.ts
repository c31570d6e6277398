import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { baseValues } from '../../src/backup/base-values.ts';
import { captureKeys, newCapture } from '../../src/backup/captures.ts';
import { appendHole, appendRecords } from '../../src/backup/change-log/append-log.ts';
import { LogMerger } from '../../src/backup/change-log/merge-log.ts';
import { encodeLeaves, IndexWriter } from '../../src/backup/format/key-index.ts';
import { placesOf } from '../../src/backup/key-index.ts';
import { objectName } from '../../src/backup/format/object-name.ts';
import type { Base, Point } from '../../src/backup/points.ts';
import type { Repository } from '../../src/backup/repository.ts';
import { reachedObjects } from '../../src/backup/retention/reached-objects.ts';
import { takeBase } from '../../src/backup/take-base.ts';
import type { KeyValue } from '../../src/bolt/newest-values.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';
import type { ReadOperation } from '../../src/operations/backup/backup-operation.ts';
import { allOf, stateAt } from '../../src/operations/objects/object-state.ts';
import type { OpenObjects } from '../../src/operations/objects/open-objects.ts';
import { searchObjects } from '../../src/operations/objects/search-objects.ts';
import { madeRepository, type MadeRepository } from '../support/backup-repository.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';

const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? 5);
const all = () => true;

describe(`the key index of bases of a real etcd (KUBEKEEP_TEST_SEED=${seed})`, () => {
  const draw = seededDraw(seed);
  const below = (limit: number) => Math.floor(draw() * limit);
  let folder: string;
  let etcd: LoneEtcd;
  let made: MadeRepository;
  let repository: Repository;
  const bases: Base[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-index-'));
    etcd = await loneEtcd(folder);
    made = await madeRepository();
    repository = await made.open();
    for (let round = 0; round < 10; round++) await write(90, () => `/registry/things/${round}-${below(1000)}`, () => 1 + below(3000));
    for (let round = 0; round < 9; round++) {
      await write(1 + below(60), () => `/registry/things/${below(10)}-${below(1000)}`, () => (below(3) === 0 ? 0 : below(9000)));
      const { revision } = await etcd.client.status();
      if (round % 3 === 1) await etcd.compact(revision - below(3));
      bases.push(await take());
    }
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const take = () => takeBase(repository, { timeline: 'c1:0', etcd: '3.7.3', member: 'm1', quorum: true, snapshot: () => etcd.client.snapshot(), hashes: async () => [] }, { writer: made.keys.writer, spoolFolder: folder, now: Date.now });

  /** Of length 0: deleted. */
  async function write(count: number, key: () => string, length: () => number): Promise<void> {
    await etcd.write(Object.fromEntries(Array.from({ length: count }, () => [key(), length()] as const).map(([name, size]) => [name, size === 0 ? undefined : 'v'.repeat(size)])));
  }

  /** With what was said of the index, and how many bytes were fetched. */
  async function valuesOf(base: Base, wanted: (key: string) => boolean) {
    const told: string[] = [];
    let fetched = 0;
    const pieces = await Array.fromAsync(baseValues(repository, base, captureKeys(repository, made.identity), { wanted, onIndex: ({ message }) => told.push(message), onBytes: (bytes) => (fetched = bytes) }));
    const values = pieces.flat();
    const found = new Map(values.map(([key, { revision, value }]) => [key, `${revision} ${value.length}`]));
    assert.equal(found.size, values.length, 'no key is given twice');
    return { found, told, fetched };
  }
  const scanned = async (base: Base, wanted: (key: string) => boolean) => (await valuesOf({ ...base, index: undefined }, wanted)).found;

  it('gives what reading all of a base gives', async () => {
    for (const base of bases) {
      for (const wanted of [all, (key: string) => key.endsWith('7'), () => false]) {
        const { found, told } = await valuesOf(base, wanted);
        assert.deepEqual([new Map([...found].sort()), told], [new Map([...await scanned(base, wanted)].sort()), []], `base ${base.number}`);
      }
    }
  });

  it('stands on that of the base before, and says only what changed', async () => {
    assert.deepEqual(bases.map(({ index }) => index!.rows.length), bases.map((_, at) => at + 1));
    const rows = await Promise.all(bases.map(async ({ index }) => (await repository.get('index', index!.rows[0]!, captureKeys(repository, made.identity))).length));
    assert.ok(rows.slice(1).every((length) => length < rows[0]! / 2), rows.join());
  });

  it('is kept as long as a base needs it', async () => {
    const reached = await reachedObjects(repository, repository.chain.entries.filter(({ kind, number }) => kind !== 'base' || number === bases.at(-1)!.number));
    const { leaves, rows } = bases.at(-1)!.index!;
    for (const hash of [leaves, ...rows]) assert.ok(reached.has(objectName('index', hash)));
  });

  it('that says anything but what is there is named, and what is there is given', async () => {
    const base = bases.at(-1)!;
    const wanted = await scanned(base, all);
    const key = await newCapture(repository);
    const [one, place] = [...(await placesOf(repository, base, captureKeys(repository, made.identity), all))!][5]!;
    const other = [...wanted.keys()].find((name) => name !== one)!;
    const row = { ...place, key: one, deleted: false };
    const lies: readonly (readonly [string, Buffer])[] = [
      ['an older revision', saying(place.page, [{ ...row, revision: place.revision - 1 }])],
      ['another place in the revision', saying(place.page, [{ ...row, sub: place.sub + 1 }])],
      ['another key', saying(place.page, [{ ...row, key: `${other}x` }])],
      ['a page that has no rows', saying(0, [row])],
      ['a page that the file does not have', saying(9_000_000, [row])],
      ['nothing that can be read', Buffer.from('nothing')],
    ];
    for (const [title, bytes] of lies) {
      const index = { leaves: await repository.put('index', encodeLeaves([0, place.page, 9_000_000]), repository.structure), rows: [await repository.put('index', bytes, key)] };
      const { found, told } = await valuesOf({ ...base, index }, all);
      assert.deepEqual(new Map([...found].sort()), new Map([...wanted].sort()), title);
      assert.ok(told.length === 1 && /indexes\/|page/.test(told[0]!), `${title}: ${told.join()}`);
    }
  });

  it('is asked for what the log behind a base does not say: of known keys the same is found as by reading all, and of a text when it was there', async () => {
    const base = bases.at(-1)!;
    const expected = new Map(await scanned(base, all));
    const own = [...expected.keys()].toSorted();
    const [gone] = own;
    const log = { writer: made.keys.writer, timeline: base.timeline, member: 'm1', key: await newCapture(repository) };
    const merger = new LogMerger(repository, log);
    const states = new Map([[base.revision, new Map(expected)]]);
    const append = async (revision: number, key: string, length: number) => {
      const value = length === 0 ? undefined : Buffer.alloc(length);
      const piece = { records: [{ revision, received: revision, changes: [{ revision, key: Buffer.from(key), value, createRevision: 1, version: 1, lease: 0n }] }], leases: new Map() };
      await appendRecords(repository, piece, log);
      await merger.add(piece, log);
      if (length === 0) expected.delete(key);
      else expected.set(key, `${revision} ${length}`);
      states.set(revision, new Map(expected));
    };
    for (let at = 1; at <= 40; at++) {
      const key = at === 7 || at === 33 ? gone! : below(4) === 0 ? `/registry/things/new-${below(5)}` : own[1 + below(own.length - 1)]!;
      await append(base.revision + at, key, at === 7 || (at !== 33 && below(3) === 0) ? 0 : 1 + below(50));
      if (at % 12 === 0) await merger.catalog(log);
    }
    await appendHole(repository, log, { after: base.revision + 40, last: base.revision + 45, why: 'etcd compacted them' });
    await append(base.revision + 46, gone!, 5);
    const reader = await made.read();
    const keys = captureKeys(reader, made.identity);
    const work = { signal: new AbortController().signal, progress: silent, clock: systemClock };
    const stateOf = (revision: number) => stateAt(work, reader, { point: { base, revision, time: 0 }, keys });
    const printed = (values: ReadonlyMap<string, KeyValue>) => new Map([...values].map(([key, { revision, value }]) => [key, `${revision} ${value.length}`] as const).toSorted());
    for (const at of [0, 1, 7, 13, 32, 33, 40]) {
      const state = states.get(base.revision + at)!;
      const wanted = new Set([gone!, 'none', ...Array.from({ length: 5 }, (_, number) => `/registry/things/new-${number}`), ...own.filter(() => below(20) === 0)]);
      assert.deepEqual(printed(await allOf(stateOf(base.revision + at).each(all))), new Map([...state].toSorted()), `all at ${at}`);
      assert.deepEqual(printed(await stateOf(base.revision + at).values(wanted)), new Map([...state].filter(([key]) => wanted.has(key)).toSorted()), `some at ${at}`);
    }
    await assert.rejects(stateOf(base.revision + 46).values(new Set([gone!])), { code: 'point-missing', message: /lost: etcd compacted them/ });

    const name = gone!.slice('/registry/things/'.length);
    const open = { repository: reader, keys } as OpenObjects;
    const upTo = { base, revision: base.revision + 46, time: 0 };
    const search = async (since: Point) => searchObjects(work as unknown as ReadOperation, open, { text: name, since, upTo, all: false, wanted: (one) => one.name === name, encryptionKeys: new Map(), hide: (object) => object });
    const before = Number(states.get(base.revision)!.get(gone!)!.split(' ')[0]);
    const hole = { first: base.revision + 41, last: base.revision + 45, why: 'etcd compacted them', kind: 'gap' };
    const times = ({ found }: Awaited<ReturnType<typeof search>>) => found.map(({ from, time, until }) => [from, time, until]);
    const whole = await search({ base, revision: base.revision, time: 0 });
    assert.deepEqual([times(whole), whole.gaps], [[[before, undefined, base.revision + 7], [base.revision + 33, base.revision + 33, undefined]], [hole]]);
    assert.deepEqual(times(await search({ base, revision: base.revision + 20, time: 0 })), [[base.revision + 33, base.revision + 33, undefined]]);
    assert.deepEqual(await search({ base: { ...base, timeline: 'c1:9' }, revision: base.revision + 20, time: 0 }), whole, 'of another timeline nothing is taken');
  });

  it('begins anew where what the parent says of its pages is lost: a base is taken all the same', async () => {
    await rm(join(made.folder, objectName('index', bases.at(-1)!.index!.leaves)));
    const base = await take();
    assert.equal(base.index!.rows.length, 1);
    const { found, told } = await valuesOf(base, all);
    assert.deepEqual([new Map([...found].sort()), told], [new Map([...await scanned(base, all)].sort()), []]);
  });
});

function saying(page: number, rows: Parameters<IndexWriter['add']>[1]): Buffer {
  const writer = new IndexWriter();
  writer.add(page, rows);
  return writer.done();
}
