import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { madeRepository, type MadeRepository } from '../../test/support/backup-repository.ts';
import { newCapture } from './captures.ts';
import { appendRecords } from './change-log/append-log.ts';
import type { BaseBody } from './points.ts';
import { newestHashes } from './state-hashes.ts';

const said = (revision: number) => ({ revision, members: [{ member: 'cp1', hash: revision, compactRevision: 1 }] });

describe('what members had at or before a revision', () => {
  let made: MadeRepository;
  before(async () => {
    made = await madeRepository();
    const repository = await made.open();
    const addBase = (timeline: string, revision: number, hashes: BaseBody['hashes']) => repository.chain.append('base', made.keys.writer, () => ({ timeline, revision, time: revision, compacted: 1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0, hashes }) satisfies BaseBody);
    const key = await newCapture(repository);
    const addLog = (first: number, last: number, hashesAt?: number) => appendRecords(repository, { leases: new Map(), records: Array.from({ length: last - first + 1 }, (_, index) => ({ revision: first + index, received: first + index, changes: [{ revision: first + index, key: Buffer.from('k'), value: Buffer.from('v'), createRevision: 1, version: 1, lease: 0n }] })) }, { writer: made.keys.writer, timeline: 'one', member: 'cp1', key, hashes: hashesAt === undefined ? undefined : said(hashesAt) });
    await addBase('one', 100, [{ member: 'cp1', verdict: 'equal', hash: 100, compactRevision: 1 }, { member: 'cp2', verdict: 'not reached' }]);
    await addLog(101, 110, 108);
    await addLog(111, 120);
    await addBase('one', 115, [{ member: 'cp1', verdict: 'equal', hash: 115, compactRevision: 1 }]);
    await addLog(121, 130, 119);
    await addBase('two', 125, [{ member: 'cp1', verdict: 'equal', hash: 125, compactRevision: 1 }]);
    await addBase('one', 130, [{ member: 'cp1', verdict: 'not reached' }]);
  });
  after(() => made[Symbol.asyncDispose]());

  for (const [title, first, last, revision] of [
    ['is the base itself where the point is', 100, 100, 100],
    ["is the base's until the log has something newer", 100, 107, 100],
    ['is what the log says, exactly there', 100, 108, 108],
    ['is what a later base says on the way', 100, 117, 115],
    ['may stand in a later piece of the log', 100, 120, 119],
    ['is of the same timeline', 100, 129, 119],
    ['is nothing where no member was reached', 130, 130, undefined],
  ] as const) {
    it(title, async () => assert.deepEqual(newestHashes((await made.read()).chain, { timeline: 'one', first, last }), revision === undefined ? undefined : said(revision)));
  }
});
