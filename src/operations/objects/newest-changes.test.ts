import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { captureKeys, newCapture, type CaptureKeys } from '../../backup/captures.ts';
import { appendHole, appendRecords } from '../../backup/change-log/append-log.ts';
import type { LogRecord } from '../../backup/change-log/log-record.ts';
import { LogMerger } from '../../backup/change-log/merge-log.ts';
import { indexRecords } from '../../backup/change-log/segment-index.ts';
import type { WantedKeys } from '../../backup/format/key-index.ts';
import type { Repository } from '../../backup/repository.ts';
import { silent } from '../../lib/progress.ts';
import { seededDraw } from '../../lib/seeded-draw.ts';
import { madeRepository } from '../../../test/support/backup-repository.ts';
import { newestChanges } from './newest-changes.ts';

const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? 9);
const [timelines, keyCount] = [['one:0', 'one:1'], 25] as const;
const work = { signal: new AbortController().signal, progress: silent };

interface Log extends AsyncDisposable {
  /** With the identity alone. */
  read(): Promise<{ readonly repository: Repository; readonly keys: CaptureKeys }>;
  append(timeline: string, records: readonly LogRecord[]): Promise<void>;
  lose(timeline: string, after: number, last: number): Promise<void>;
  /** What was appended since the last time. */
  merge(timeline: string): Promise<void>;
}

async function newLog(): Promise<Log> {
  const made = await madeRepository();
  const repository = await made.open();
  const options = { member: 'cp1', key: await newCapture(repository) };
  const { writer } = made.keys;
  const mergers = new Map<string, LogMerger>();
  const mergerOf = (timeline: string) => mergers.get(timeline) ?? mergers.set(timeline, new LogMerger(repository, { writer, timeline })).get(timeline)!;
  const merge = async (timeline: string) => {
    await mergerOf(timeline).catalog(options);
    mergers.delete(timeline);
  };
  return {
    merge,
    async read() {
      const opened = await made.read();
      return { repository: opened, keys: captureKeys(opened, made.identity) };
    },
    async append(timeline, records) {
      const piece = { records, leases: new Map() };
      await appendRecords(repository, piece, { writer, timeline, ...options });
      await mergerOf(timeline).add(piece, options);
    },
    async lose(timeline, after, last) {
      await merge(timeline);
      await appendHole(repository, { writer, timeline }, { after, last, why: 'etcd compacted them' });
    },
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}

const nameOf = (number: number) => `/registry/things/shop/${number}`;

function change(revision: number, number: number, value: string | undefined): LogRecord['changes'][number] {
  return { revision, key: Buffer.from(nameOf(number)), value: value === undefined ? undefined : Buffer.from(value), createRevision: value === undefined ? 0 : 1, version: 1, lease: 0n };
}

function record(revision: number, ...changes: LogRecord['changes']): LogRecord {
  return { revision, received: 1000 + revision, changes };
}

/** How often segments and indexes are got. */
function counted(repository: Repository): Repository & { readonly gets: string[] } {
  const gets: string[] = [];
  return { ...repository, gets, get: (...args: Parameters<Repository['get']>) => (gets.push(args[0]), repository.get(...args)) };
}

describe(`the newest changes of a log (KUBEKEEP_TEST_SEED=${seed})`, () => {
  it('are those that reading all of it from its start finds: of merged pieces and others, within pieces, of each timeline, and none where a part is lost', async () => {
    const draw = seededDraw(seed);
    const below = (limit: number) => Math.floor(draw() * limit);
    await using log = await newLog();
    const written = new Map<string, { readonly revision: number; readonly number: number; readonly value: string | undefined }[]>(timelines.map((one) => [one, []]));
    const holes = new Map<string, { readonly first: number; readonly last: number }[]>(timelines.map((one) => [one, []]));
    const ends = new Map<string, number>(timelines.map((one) => [one, 10]));
    for (let round = 0; round < 60; round++) {
      const timeline = timelines[below(2)]!;
      const end = ends.get(timeline)!;
      const length = 1 + below(7);
      ends.set(timeline, end + length);
      if (below(25) === 0 && round > 5) {
        await log.lose(timeline, end, end + length);
        holes.get(timeline)!.push({ first: end + 1, last: end + length });
        continue;
      }
      await log.append(timeline, Array.from({ length }, (_, at) => {
        const revision = end + 1 + at;
        const numbers = [...new Set([below(keyCount), below(3)])];
        const now = numbers.map((number) => ({ revision, number, value: below(4) === 0 ? undefined : `${timeline} ${revision} ${number}` }));
        written.get(timeline)!.push(...now);
        return record(revision, ...now.map(({ number, value }) => change(revision, number, value)));
      }));
      if (below(4) === 0) await log.merge(timeline);
    }
    const { repository, keys } = await log.read();
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      const timeline = timelines[below(2)]!;
      const length = ends.get(timeline)! - 10;
      const [after, later] = [10 + below(length), 10 + below(length + 1)].toSorted((one, other) => one - other) as [number, number];
      const upTo = below(8) === 0 ? after : later;
      const names = Array.from({ length: below(8) }, () => nameOf(below(keyCount + 3)));
      const wanted: WantedKeys = below(3) === 0 ? (key) => names.includes(key) : new Set(names);
      const found = newestChanges(work, repository, keys, { timeline, after, upTo }, wanted);
      const title = `${timeline} after ${after} up to ${upTo}: ${names.join()}`;
      if (after < upTo && holes.get(timeline)!.some(({ first, last }) => first <= upTo && last > after)) {
        await assert.rejects(found, { code: 'point-missing' }, title);
        refused++;
        continue;
      }
      const expected = new Map(written.get(timeline)!.filter(({ revision, number }) => revision > after && revision <= upTo && names.includes(nameOf(number))).map(({ number, revision, value }) => [nameOf(number), value === undefined ? undefined : `${revision} ${value}`] as const));
      assert.deepEqual(new Map([...await found].map(([key, value]) => [key, value && `${value.revision} ${value.value.toString()}`] as const).toSorted()), new Map([...expected].toSorted()), title);
    }
    assert.ok(refused > 10 && refused < 140, `${refused} of 150 were refused`);
  });

  it('are read of those segments alone that have one, and of known keys no farther back than the last', async () => {
    await using log = await newLog();
    const [timeline] = timelines;
    // 20 segments of 10 revisions: key 0 changes always, key 1 in the 15th last, key 2 in the oldest; key 3 never.
    for (let piece = 0; piece < 20; piece++) {
      const first = 1 + piece * 10;
      for (const from of [first, first + 5]) await log.append(timeline, Array.from({ length: 5 }, (_, at) => record(from + at, change(from + at, at === 3 && piece === 5 ? 1 : at === 3 && piece === 0 ? 2 : 0, `${from + at}`))));
      await log.merge(timeline);
    }
    const { repository: opened, keys } = await log.read();
    const repository = counted(opened);
    const read = async (wanted: WantedKeys, upTo = 200) => {
      repository.gets.length = 0;
      const found = await newestChanges(work, repository, keys, { timeline, after: 0, upTo }, wanted);
      const times = (kind: string) => repository.gets.filter((one) => one === kind).length;
      return [[...found].map(([key, value]) => `${key.split('/').at(-1)}: ${value!.value.toString()}`).toSorted(), times('segment'), times('index')] as const;
    };
    const known = (...numbers: readonly number[]) => new Set(numbers.map(nameOf));
    const [values, segments, indexes] = await read(known(0));
    assert.deepEqual([values, segments, indexes <= 19], [['0: 200'], 1, true], `${indexes} indexes`);
    assert.deepEqual(await read(known(0, 1)), [['0: 200', '1: 59'], 2, 20]);
    assert.deepEqual(await read(known(2, 3)), [['2: 9'], 1, 20]);
    assert.deepEqual(await read(known(3)), [[], 0, 20]);
    assert.deepEqual(await read(() => true), [['0: 200', '1: 59', '2: 9'], 3, 20]);
    // What the index says of revisions behind the point does not count.
    assert.deepEqual((await read(known(0, 1), 58)).slice(0, 2), [['0: 58', '1: 54'], 1]);
    assert.deepEqual((await read(known(1), 53)).slice(0, 2), [[], 0]);
    assert.deepEqual(await read(known()), [[], 0, 0]);
  });

  it('are read of pieces without an index from the last on, until all known keys are found', async () => {
    await using log = await newLog();
    const [timeline] = timelines;
    for (let revision = 11; revision <= 60; revision++) await log.append(timeline, [record(revision, change(revision, revision % 2, `${revision}`))]);
    const { repository, keys } = await log.read();
    const read: number[] = [];
    const chain = { ...repository.chain, entries: repository.chain.entries, payload: (number: number) => (read.push(number), repository.chain.payload(number)) };
    const find = (range: { readonly after: number; readonly upTo: number }) => newestChanges(work, { ...repository, chain }, keys, { timeline, ...range }, new Set([0, 1].map(nameOf)));
    assert.deepEqual([...(await find({ after: 10, upTo: 60 })).values()].map((value) => value!.revision), [60, 59]);
    assert.ok(read.length <= 6, `${read.length} of 50 were read`);
    for (const range of [{ after: 9, upTo: 60 }, { after: 10, upTo: 61 }]) await assert.rejects(find(range), { code: 'point-missing', message: /nobody wrote the log then/ });
    await log.lose(timeline, 60, 65);
    const behind = await log.read();
    assert.deepEqual(await newestChanges(work, behind.repository, behind.keys, { timeline, after: 62, upTo: 62 }, new Set([nameOf(0)])), new Map(), 'of no revision nothing is lost');
  });

  it('that an index speaks of and the records do not have are no answer', async () => {
    await using log = await newLog();
    const [timeline] = timelines;
    for (const revision of [1, 2]) await log.append(timeline, [record(revision, change(revision, 0, 'a'))]);
    await log.merge(timeline);
    const { repository, keys } = await log.read();
    const lying = { ...repository, get: async (...args: Parameters<Repository['get']>) => (args[0] === 'index' ? indexRecords([record(2, change(2, 7, 'b'))]) : repository.get(...args)) };
    const find = (from: Repository) => newestChanges(work, from, keys, { timeline, after: 0, upTo: 2 }, new Set([nameOf(7)]));
    assert.deepEqual(await find(repository), new Map());
    await assert.rejects(find(lying), { code: 'repository-damaged', message: /^indexes\/.*revisions 1 to 2/ });
  });
});
