import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { madeRepository, type MadeRepository } from '../../test/support/backup-repository.ts';
import { appendBaseHashes } from './append-base-hashes.ts';
import { captureKeys, newCapture } from './captures.ts';
import { appendHole, appendRecords } from './change-log/append-log.ts';
import { logRanges } from './change-log/coverage.ts';
import { basesOf, isBefore, resolvePoint, type BaseBody } from './points.ts';
import type { Repository } from './repository.ts';
import { appendTimeline, appendUnsaid } from './timelines.ts';

const minute = (number: number) => Date.parse('2026-11-25T14:00:00Z') + number * 60_000;
const iso = (number: number) => new Date(minute(number)).toISOString();

async function addBase(made: MadeRepository, timeline: string, revision: number, time: number): Promise<void> {
  const body: BaseBody = { timeline, revision, time: minute(time), compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0 };
  await (await made.open()).chain.append('base', made.keys.writer, () => body);
}

/** One record a revision, one revision a minute. */
async function addLog(made: MadeRepository, timeline: string, first: number, last: number, time: number): Promise<void> {
  const repository = await made.open();
  const records = Array.from({ length: last - first + 1 }, (_, index) => ({ revision: first + index, received: minute(time + index), changes: [{ revision: first + index, key: Buffer.from('k'), value: Buffer.from(`${first + index}`), createRevision: first, version: 1 + index, lease: 0n }] }));
  await appendRecords(repository, { records, leases: new Map() }, { writer: made.keys.writer, timeline, member: 'cp1', key: await newCapture(repository) });
}

/** "number of the base, revision, minutes", or how the sentence goes on. */
async function at(made: MadeRepository, repository: Repository, text: string): Promise<string> {
  return resolvePoint(repository, text, captureKeys(repository, made.identity)).then(
    ({ base, revision, time }) => `${base.revision} ${revision} ${(time - minute(0)) / 60_000}`,
    (error: { code?: string; message: string }) => (error.code === 'point-missing' ? error.message.replace(/.*?: /, '') : Promise.reject(error)),
  );
}

describe('a point of a repository with bases alone', () => {
  let made: MadeRepository;
  let repository: Repository;
  before(async () => {
    made = await madeRepository();
    // A restore of revision 250 began the second timeline. Of two bases at once the later one came into the chain first, and one of the first timeline came late.
    for (const [timeline, revision, time] of [['one', 100, 0], ['one', 300, 20], ['one', 200, 10], ['two', 260, 40], ['one', 310, 25], ['two', 1260, 50]] as const) await addBase(made, timeline, revision, time);
    repository = await made.read();
  });
  after(() => made[Symbol.asyncDispose]());

  for (const [point, found] of [
    ['latest', '1260 1260 50'],
    ['base:4', '300 300 20'],
    ['revision:260', '260 260 40'],
    ['revision:200', '200 200 10'],
    ['revision:300', 'revision 260 is the last one before that'],
    ['revision:99999', 'revision 1260 is the last one before that'],
    ['revision:99', 'the oldest base is of 2026-11-25T14:00:00.000Z, revision 100'],
    [iso(0), '100 100 0'],
    [iso(19), '200 200 10'],
    [iso(24), '300 300 20'],
    [iso(39), '310 310 25'],
    [iso(99), '1260 1260 50'],
    [iso(-1), 'the oldest base is of 2026-11-25T14:00:00.000Z, revision 100'],
    ['base:99', 'the oldest base is of 2026-11-25T14:00:00.000Z, revision 100'],
  ] as const) it(`${point} is ${found}`, async () => assert.equal(await at(made, repository, point), found));

  it('is of UTC where it names no zone, wherever this computer is', async (t) => {
    const before = process.env['TZ'];
    t.after(() => (before === undefined ? delete process.env['TZ'] : (process.env['TZ'] = before)));
    process.env['TZ'] = 'Asia/Tokyo';
    for (const point of ['2026-11-25 14:20:00', '2026-11-25T14:20', '2026-11-25T14:20:00.9', '2026-11-25 14:20:00Z', '2026-11-25T09:20:00-05:00', '2026-11-25 23:20+0900']) assert.equal(await at(made, repository, point), '300 300 20', point);
    assert.equal(await at(made, repository, '2026-11-26'), '1260 1260 50');
    assert.match(await at(made, repository, '2026-11-25'), /^the oldest base is of/);
  });

  it('lies before a base by what it is named by', () => {
    const base = { time: minute(0), revision: 100 };
    assert.deepEqual(['2026-11-25 13:59', '2026-11-25 14:00', 'revision:99', 'revision:100', 'base:1', 'latest'].map((point) => isBefore(point, base)), [true, false, true, false, false, false]);
  });

  it('is latest, a time, a revision or a base and nothing else', async () => {
    for (const point of ['yesterday-ish', 'revision:-1', 'base:x', '', '2026-02-30', '2026-02-30T00:00:00Z', '2026-13-01', '2026-11-25T25:00:00Z', '2026-11-25T14', '14:02']) await assert.rejects(at(made, repository, point), { code: 'usage' });
  });
});

describe('a point of a repository whose newest base has diverged', () => {
  let made: MadeRepository;
  before(async () => {
    made = await madeRepository();
    await addBase(made, 'one', 100, 0);
    await addLog(made, 'one', 101, 130, 1);
    await addBase(made, 'one', 120, 21);
    const { chain } = await made.open();
    await appendBaseHashes(chain, basesOf(chain).at(-1)!, ['cp1', 'cp2', 'cp3'].map((member) => ({ member, verdict: member === 'cp1' ? 'equal' : 'different' })), made.keys.writer);
  });
  after(() => made[Symbol.asyncDispose]());

  for (const [point, found] of [
    ['latest', '100 130 30'],
    ['revision:120', '100 120 20'],
    [iso(22), '100 122 22'],
    ['base:5', 'what etcd on cp1 sent differs at revision 120 from what cp2 and cp3 say they have, so that it is not to be used'],
  ] as const) it(`${point} is ${found}`, async () => assert.equal(await at(made, await made.read(), point), found));
});

describe('a point of a repository whose cluster was restored', () => {
  let made: MadeRepository;
  let repository: Repository;
  const start = async (timeline: string, first: number, time: number, revision: number) => appendTimeline(await made.open(), made.keys.writer, { timeline, first, time: minute(time), from: { timeline: 'one', base: 3, revision } });
  before(async () => {
    made = await madeRepository();
    await addBase(made, 'one', 100, 0);
    await addLog(made, 'one', 101, 110, 1);
    await start('two', 5000, 12, 105);
    await start('two', 5001, 13, 105);
    // The old cluster was left running somewhere, and followed.
    await addLog(made, 'one', 111, 130, 12);
    await addBase(made, 'one', 130, 31);
    await addBase(made, 'two', 5003, 20);
    await addLog(made, 'two', 5004, 5010, 21);
    repository = await made.read();
  });
  after(() => made[Symbol.asyncDispose]());

  for (const [point, found] of [
    [iso(5.5), '100 105 5'],
    [iso(11), '100 110 10'],
    // The clock of who restored says when: what the old one did afterwards did not happen in this cluster.
    [iso(12), 'the cluster was restored to revision 105 at 2026-11-25T14:12:00.000Z, and it has no base of the time from then on'],
    [iso(19), 'the cluster was restored to revision 105 at 2026-11-25T14:12:00.000Z, and it has no base of the time from then on'],
    [iso(20), '5003 5003 20'],
    [iso(99), '5003 5010 27'],
    ['latest', '5003 5010 27'],
    ['revision:110', '100 110 10'],
    ['revision:130', '130 130 31'],
    ['revision:5005', '5003 5005 22'],
  ] as const) it(`${point} is ${found}`, async () => assert.equal(await at(made, repository, point), found));

  it('has no latest one as long as the new timeline has no base', async () => {
    await start('three', 9000, 60, 5005);
    const later = await made.read();
    assert.match(await at(made, later, 'latest'), /^the cluster was restored to revision 5005 at .*15:00:00/);
    assert.equal(await at(made, later, iso(59)), '5003 5010 27');
  });
});

describe('a point of a repository that was away while its cluster was restored', () => {
  it('is of the history that its first base speaks of, and of the one before it by then', async () => {
    await using made = await madeRepository();
    const unsaid = async (timeline: string, first: number, time: number) => appendUnsaid(await made.open(), made.keys.writer, { timeline, first, time: minute(time) });
    const starts = async () => (await made.read()).chain.entries.filter(({ kind }) => kind === 'timeline').length;
    await unsaid('one', 100, 0);
    await addBase(made, 'one', 100, 0);
    await appendTimeline(await made.open(), made.keys.writer, { timeline: 'two', first: 5000, time: minute(12), from: { timeline: 'zero', base: 3, revision: 105 } });
    await addBase(made, 'two', 5000, 13);
    for (const known of ['zero', 'one', 'two']) await unsaid(known, 5000, 20);
    assert.equal(await starts(), 1, 'the first needs none, and nothing is said again');
    for (const time of [30, 40]) {
      await unsaid('three', 9000, time);
      await addBase(made, 'three', 9000 + time, time);
    }
    assert.equal(await starts(), 2);
    const repository = await made.read();
    const found = [iso(29), iso(30), iso(99), 'latest'].map((point) => at(made, repository, point));
    assert.deepEqual(await Promise.all(found), ['5000 5000 13', '9030 9030 30', '9040 9040 40', '9040 9040 40']);
  });
});

describe('a point of a repository with a log', () => {
  let made: MadeRepository;
  let repository: Repository;
  before(async () => {
    made = await madeRepository();
    // Taken by hand, long before the log began.
    await addBase(made, 'one', 50, -60);
    await addBase(made, 'one', 100, 0);
    await addLog(made, 'one', 101, 110, 1);
    await addLog(made, 'one', 111, 115, 11);
    await addBase(made, 'one', 112, 12);
    await addBase(made, 'one', 140, 40);
    await appendHole(await made.open(), { writer: made.keys.writer, timeline: 'one' }, { after: 115, last: 140, why: 'etcd was away' });
    await addLog(made, 'one', 141, 145, 41);
    repository = await made.read();
  });
  after(() => made[Symbol.asyncDispose]());

  for (const [point, found] of [
    ['latest', '140 145 45'],
    ['revision:50', '50 50 -60'],
    ['revision:60', 'revision 50 is the last one before that'],
    [iso(-30), '50 50 -60'],
    ['revision:100', '100 100 0'],
    ['revision:105', '100 105 5'],
    ['revision:112', '112 112 12'],
    ['revision:115', '112 115 15'],
    ['revision:116', 'revisions 116 to 140 are lost (etcd was away); revision 115 is the last one before that'],
    ['revision:140', '140 140 40'],
    ['revision:143', '140 143 43'],
    ['revision:146', 'revision 145 is the last one before that'],
    [iso(0.5), '100 100 0'],
    [iso(5.5), '100 105 5'],
    [iso(10.9), '100 110 10'],
    [iso(12.5), '112 112 12'],
    [iso(15), '112 115 15'],
    [iso(16), 'revisions 116 to 140 are lost (etcd was away); revision 115 is the last one before that'],
    [iso(40.5), '140 140 40'],
    [iso(99), '140 145 45'],
    ['base:4', '100 100 0'],
  ] as const) it(`${point} is ${found}`, async () => assert.equal(await at(made, repository, point), found));

  it('is listed by what the log has and lacks', () => {
    assert.deepEqual(logRanges(repository.chain).map(({ kind, first, last }) => [kind, first, last]), [['segment', 101, 115], ['hole', 116, 140], ['segment', 141, 145]]);
  });
});

describe('a point of a repository whose capturer had a wrong clock', () => {
  let made: MadeRepository;
  let repository: Repository;
  before(async () => {
    made = await madeRepository();
    await addBase(made, 'one', 100, 0);
    await addLog(made, 'one', 101, 110, 1);
    // An hour back, and right again after a quarter of an hour.
    await addLog(made, 'one', 111, 115, -49);
    await addBase(made, 'one', 115, -45);
    await addLog(made, 'one', 116, 120, 16);
    // An hour ahead, and right again.
    await addLog(made, 'one', 121, 125, 81);
    await addLog(made, 'one', 126, 130, 26);
    await addBase(made, 'one', 130, 30);
    await addLog(made, 'one', 131, 140, 31);
    repository = await made.read();
  });
  after(() => made[Symbol.asyncDispose]());

  const twice = (later: string, from: number, to: string, at: number) => `the clock of who captured it went back, from 2026-11-25T${later}:00.000Z at revision ${from} to 2026-11-25T${to}:00.000Z at revision ${at}`;
  for (const [point, found] of [
    ['latest', '130 140 40'],
    ['revision:113', '100 113 -47'],
    ['revision:123', '115 123 83'],
    [iso(-47), 'the oldest base is of 2026-11-25T14:00:00.000Z, revision 100'],
    // 14:05 was once, at revision 105, if the clock was right then, and after revision 115 if it was right when it said 13:15.
    [iso(5), twice('14:10', 101, '13:15', 115)],
    [iso(-40), twice('14:10', 101, '13:15', 115)],
    [iso(12), '100 115 -45'],
    [iso(18), '100 118 18'],
    [iso(28), twice('15:25', 121, '14:28', 128)],
    [iso(35), twice('15:25', 121, '14:35', 135)],
    [iso(90), '130 140 40'],
  ] as const) it(`${point} is ${found}`, async () => assert.equal(await at(made, repository, point), found));

  it('may be off by some seconds: there is more than one capturer', async () => {
    await using other = await madeRepository();
    await addBase(other, 'one', 100, 0);
    await addLog(other, 'one', 101, 101, 1.1);
    await addLog(other, 'one', 102, 102, 1);
    assert.equal(await at(other, await other.read(), iso(1)), '100 102 1');
  });
});
