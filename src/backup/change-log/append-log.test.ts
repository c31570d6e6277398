import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { madeRepository, type MadeRepository } from '../../../test/support/backup-repository.ts';
import { captureKeys, newCapture } from '../captures.ts';
import type { Segment } from '../format/segment.ts';
import { appendHole, appendRecords, type LogWriter } from './append-log.ts';
import { logEnd, logOf } from './coverage.ts';
import { readLog } from './read-log.ts';

describe('the log of a timeline', () => {
  let made: MadeRepository;
  let log: LogWriter;
  before(async () => {
    made = await madeRepository();
    log = { writer: made.keys.writer, timeline: 'one' };
  });
  after(() => made[Symbol.asyncDispose]());

  const segment = (first: number, last: number, text = 'v'): Segment => ({ records: Array.from({ length: last - first + 1 }, (_, index) => ({ revision: first + index, received: first + index, changes: [{ revision: first + index, key: Buffer.from('k'), value: Buffer.from(text), createRevision: 1, version: 1, lease: 0n }] })), leases: new Map() });
  async function read(first: number, last: number): Promise<readonly number[]> {
    const repository = await made.read();
    const pieces = await Array.fromAsync(readLog(repository, { timeline: 'one', first, last }, captureKeys(repository, made.identity)));
    return pieces.flatMap(({ records }) => records.map(({ revision }) => revision));
  }
  const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

  it('has every revision once, however many capturers append at once and wherever each of them cuts it', async () => {
    const capturer = async (length: number) => {
      const repository = await made.open();
      const key = await newCapture(repository);
      for (let first = 11; first <= 100; first += length) {
        await appendRecords(repository, segment(first, Math.min(100, first + length - 1)), { ...log, member: 'cp1', key });
        assert.ok(logEnd(repository.chain.entries, 'one')! >= Math.min(100, first + length - 1));
      }
    };
    await Promise.all([capturer(7), capturer(3), capturer(20)]);
    assert.deepEqual(await read(11, 100), range(11, 100));
    assert.deepEqual(await read(37, 38), [37, 38]);
    const parts = logOf((await made.read()).chain, 'one');
    assert.equal(parts[0]!.first, 11);
    assert.equal(parts.at(-1)!.last, 100);
  });

  it('takes no record that does not follow on it', async () => {
    const repository = await made.open();
    const key = await newCapture(repository);
    await assert.rejects(appendRecords(repository, segment(102, 110), { ...log, member: 'cp1', key }), { code: 'log-gap', message: /revision 101 of etcd should have come, and 102 came/ });
    assert.equal(logEnd(repository.chain.entries, 'one'), 100);
  });

  it('is not read beyond its end nor over a hole, and a hole is made once', async () => {
    const missing = { code: 'point-missing' };
    await assert.rejects(read(90, 101), missing);
    const [one, other] = [await made.open(), await made.open()];
    await Promise.all([one, other].map((repository) => appendHole(repository, log, { after: 100, last: 120, why: 'test' })));
    const key = await newCapture(one);
    await appendRecords(one, segment(115, 130), { ...log, member: 'cp1', key });
    assert.deepEqual(logOf((await made.read()).chain, 'one').slice(-2).map(({ kind, first, last }) => [kind, first, last]), [['hole', 101, 120], ['segment', 121, 130]]);
    await assert.rejects(read(100, 125), missing);
    assert.deepEqual(await read(121, 125), range(121, 125));
    await appendHole(one, log, { after: 100, last: 140, why: 'late' });
    assert.equal(logEnd(one.chain.entries, 'one'), 130);
  });

  it('takes what comes at once in pieces of 4 MiB, so that none is too large for an object', async () => {
    const repository = await made.open();
    const big = randomBytes(1 << 20).toString('latin1');
    await appendRecords(repository, segment(131, 150, big), { ...log, member: 'cp1', key: await newCapture(repository) });
    const parts = logOf(repository.chain, 'one').filter(({ first }) => first > 130);
    assert.ok(parts.length >= 5 && parts.length <= 20, String(parts.length));
    assert.deepEqual(await read(131, 150), range(131, 150));
  });

  it('of another timeline is another one', async () => {
    const repository = await made.open();
    await appendRecords(repository, segment(5, 6), { ...log, timeline: 'two', member: 'cp1', key: await newCapture(repository) });
    assert.deepEqual([logEnd(repository.chain.entries, 'one'), logEnd(repository.chain.entries, 'two')], [150, 6]);
  });
});
