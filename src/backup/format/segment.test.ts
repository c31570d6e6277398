import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogRecord } from '../change-log/log-record.ts';
import { decodeSegment, encodeSegment, type Segment } from './segment.ts';

const bytes = (text: string) => Buffer.from(text);
const record = (revision: number, received: number): LogRecord => ({
  revision, received,
  changes: [
    { revision, key: bytes(`/registry/pods/${revision}`), value: bytes('x'.repeat(revision % 300)), createRevision: revision - (revision % 7), version: 1 + (revision % 7), lease: revision % 3 === 0 ? 7587869134n + BigInt(revision) : 0n },
    { revision, key: bytes('/registry/gone'), value: undefined, createRevision: 0, version: 0, lease: 0n },
  ],
});
const segment: Segment = { records: Array.from({ length: 300 }, (_, index) => record(4711 + index, 1_764_000_000_000 + index * 13)), leases: new Map([[-1n, 15], [2n ** 62n, 3600]]) };

describe('a segment of the log', () => {
  it('comes back as it was', () => assert.deepEqual(decodeSegment(encodeSegment(segment), 'chain/1'), segment));

  it('comes back without what other revisions changed where only some are asked for', () => {
    const only = new Set([4711, 4712, 4800, 5010, 6000]);
    const { records, leases } = decodeSegment(encodeSegment(segment), 'chain/1', only);
    const asked = (all: readonly LogRecord[]) => all.filter(({ revision }) => only.has(revision));
    assert.deepEqual(records.map(({ revision, changes }) => `${revision} ${changes.length}`), segment.records.map(({ revision }) => `${revision} ${only.has(revision) ? 2 : 0}`));
    assert.deepEqual([asked(records), leases], [asked(segment.records), segment.leases]);
  });

  it('has times that never go back, also where the clock did', () => {
    const back = { records: [record(1, 2000), record(2, 1000), record(3, 1500), record(4, 2500)], leases: new Map() };
    assert.deepEqual(decodeSegment(encodeSegment(back), 'chain/1').records.map(({ received }) => received), [2000, 2000, 2000, 2500]);
  });

  it('that is cut anywhere, or longer, is refused and named', () => {
    const whole = encodeSegment({ records: segment.records.slice(0, 5), leases: segment.leases });
    for (const only of [undefined, new Set<number>()]) for (let length = 0; length < whole.length; length++) assert.throws(() => decodeSegment(whole.subarray(0, length), 'chain/1', only), { code: 'repository-damaged', message: /^chain\/1: / }, String(length));
    assert.throws(() => decodeSegment(Buffer.concat([whole, Buffer.alloc(1)]), 'chain/1'), { code: 'repository-damaged' });
  });
});
