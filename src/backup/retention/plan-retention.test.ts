import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BaseBody } from '../points.ts';
import type { ReadEntry } from '../read-entry.ts';
import { planRetention, type RetentionPolicy } from './plan-retention.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** A Monday. */
const now = Date.parse('2026-11-23T12:00:00Z');
const nothing: RetentionPolicy = { within: 0, last: 0, hourly: 0, daily: 0, weekly: 0, rehearsed: 0 };
const never = () => false;

let number = 0;
const entry = (kind: ReadEntry['kind'], body: unknown): ReadEntry => ({ number: ++number, writer: 'w', kind, hash: '', body });
/** Taken so many ms ago. */
const base = (ago: number, revision: number, timeline = 'a:0') => entry('base', { timeline, revision, time: now - ago, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0 } satisfies BaseBody);
const segment = (ago: number, first: number, last: number, timeline = 'a:0') => entry('segment', { timeline, first, last, from: now - ago, to: now - ago, member: 'cp1', capture: '', fingerprint: '' });
const hole = (first: number, last: number) => entry('hole', { timeline: 'a:0', first, last, why: 'test' });

/** What is kept, by revision, and why; and what goes of the logs. */
function planned(entries: readonly ReadEntry[], policy: Partial<RetentionPolicy>, rehearsed = never as (number: number) => boolean) {
  const { bases, logs } = planRetention({ entries }, { ...nothing, ...policy }, now, rehearsed);
  return { kept: Object.fromEntries(bases.flatMap(({ base: { revision }, keep }) => (keep.length > 0 ? [[revision, keep.join(', ')]] : []))), logs: logs.map(({ timeline, first, upTo }) => `${timeline} ${first}-${upTo}`) };
}

describe('what is kept', () => {
  const everyHour = () => Array.from({ length: 24 * 30 }, (_, index) => base((24 * 30 - 1 - index) * hour + 60_000, index + 1));

  it('is never less than the newest base', () => {
    assert.deepEqual(planned([base(9 * day, 1), base(8 * day, 2)], {}).kept, { 2: 'newest' });
    assert.deepEqual(planned([], { last: 3 }), { kept: {}, logs: [] });
  });

  it('is the newest of each period that has one', () => {
    assert.deepEqual(planned(everyHour(), { last: 2 }).kept, { 719: 'last', 720: 'newest, last' });
    assert.deepEqual(planned(everyHour(), { hourly: 3 }).kept, { 718: 'hourly', 719: 'hourly', 720: 'newest, hourly' });
    assert.deepEqual(planned(everyHour(), { daily: 3 }).kept, { 684: 'daily', 708: 'daily', 720: 'newest, daily' });
    // Of Monday noon, and of the two Sundays before.
    assert.deepEqual(planned(everyHour(), { weekly: 3 }).kept, { 540: 'weekly', 708: 'weekly', 720: 'newest, weekly' });
    assert.deepEqual(planned([base(400 * day, 1), base(200 * day, 2), base(day, 3)], { daily: 2 }).kept, { 2: 'daily', 3: 'newest, daily' });
  });

  it('is every base of the last days, and each revision from the base before them on', () => {
    const entries = [base(9 * day, 10), segment(8 * day, 11, 20), base(8 * day, 20), segment(6 * day, 21, 30), base(6 * day, 30), segment(hour, 31, 40)];
    assert.deepEqual(planned(entries, { within: 7 * day }), { kept: { 20: 'the log begins here', 30: 'newest, recent' }, logs: ['a:0 11-20'] });
    assert.deepEqual(planned(entries, { within: 30 * day }), { kept: { 10: 'recent', 20: 'recent', 30: 'newest, recent' }, logs: [] });
  });

  it('leaves of a log that nobody writes any more its last piece, so that the next one finds where it ended', () => {
    const entries = [base(30 * day, 10), segment(29 * day, 11, 20), hole(21, 25), segment(29 * day, 26, 30), base(day, 60)];
    assert.deepEqual(planned(entries, { within: 7 * day, last: 2 }), { kept: { 10: 'last', 60: 'newest, recent, last' }, logs: ['a:0 11-25'] });
  });

  it('leaves nothing of a timeline without a base', () => {
    const entries = [base(30 * day, 10, 'old:0'), segment(29 * day, 11, 20, 'old:0'), base(day, 5)];
    assert.deepEqual(planned(entries, { within: 7 * day }), { kept: { 5: 'newest, recent' }, logs: ['old:0 11-20'] });
  });

  it('is no base that has diverged, and the log does not begin at one', () => {
    const diverged = (of: ReadEntry, revision: number) => entry('base-hashes', { base: of.number, revision, hashes: [{ member: 'cp1', verdict: 'different' }] });
    const [good, bad, worse] = [base(10 * day, 10), base(8 * day, 20), base(hour, 50)];
    assert.deepEqual(planned([good, segment(9 * day, 11, 20), bad, segment(hour, 21, 40), worse, diverged(bad, 20), diverged(worse, 50)], { within: 7 * day, last: 9 }), { kept: { 10: 'newest, the log begins here, last' }, logs: [] });
  });

  it('is the newest rehearsed ones', () => {
    const entries = [base(5 * day, 1), base(4 * day, 2), base(3 * day, 3), base(2 * day, 4)];
    const rehearsed = new Set([entries[0]!.number, entries[1]!.number]);
    assert.deepEqual(planned(entries, { rehearsed: 1 }, (one) => rehearsed.has(one)).kept, { 2: 'rehearsed', 4: 'newest' });
  });

  it('does not depend on the order in which two writers appended', () => {
    assert.deepEqual(planned([base(hour, 9), base(2 * hour, 5)], { last: 1 }).kept, { 9: 'newest, last' });
  });
});
