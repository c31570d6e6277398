import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EtcdChange } from '../../clients/etcd/watch.ts';
import { LogBuffer } from './log-buffer.ts';

const change = (revision: number, key = 'k', value: string | undefined = 'v'): EtcdChange => ({ revision, key: Buffer.from(key), value: value === undefined ? undefined : Buffer.from(value), createRevision: revision, version: 1, lease: 0n });
const limits = { age: 1000, bytes: 10_000 };

describe('what a watch brings', () => {
  it('becomes one record for each revision, whatever pieces it comes in', () => {
    const buffer = new LogBuffer(10);
    buffer.add([change(11), change(12, 'a'), change(12, 'b'), change(13)], 5);
    buffer.add([], 6);
    buffer.add([change(14)], 7);
    const { records } = buffer.segment()!;
    assert.deepEqual(records.map(({ revision, received, changes }) => [revision, received, changes.length]), [[11, 5, 1], [12, 5, 2], [13, 5, 1], [14, 7, 1]]);
    assert.equal(buffer.end, 14);
    buffer.clear();
    assert.deepEqual({ segment: buffer.segment(), end: buffer.end }, { segment: undefined, end: 14 });
  });

  for (const [title, revisions] of [['misses its first revision', [12]], ['misses one in between', [11, 13]], ['goes back', [11, 11, 10]], ['comes twice', [10]]] as const) {
    it(`that ${title} is refused, and nothing of it is kept`, () => {
      const buffer = new LogBuffer(10);
      assert.throws(() => buffer.add(revisions.map((revision) => change(revision)), 5), { code: 'log-gap' });
      assert.deepEqual({ segment: buffer.segment(), end: buffer.end }, { segment: undefined, end: 10 });
    });
  }

  it('is due once it is old, or much, or the clock went back', () => {
    const buffer = new LogBuffer(10);
    assert.equal(buffer.due(99_999, limits), false);
    buffer.add([change(11)], 5000);
    assert.deepEqual([5000, 5999, 6000, 4999].map((now) => buffer.due(now, limits)), [false, false, true, true]);
    buffer.add([change(12, 'k', 'v'.repeat(10_000))], 5001);
    assert.equal(buffer.due(5001, limits), true);
  });
});
