import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { arp, began, evidence, hashed, holding, look, mark, request, unanswered, watched, watchLane, writeLane } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord, Request } from '../history/record.ts';
import { checkers, judge } from './judge.ts';

/** Four seconds of creations, each read after it, with a watch, a VIP, a fault that is over, and what was looked for after it: as it should be. */
const writes = Array.from({ length: 40 }, (_, turn) => request('create', turn * 100, { lane: 'write', object: `o${turn}`, value: `v${turn}`, revision: 10 + turn }));
const reads = writes.map((one): Request => ({ ...one, operation: 'get', lane: 'read', due: one.due + 50, sent: one.sent + 50, ended: one.ended + 50 }));
const events = writes.map(({ object, value, revision, ended }) => watched('ADDED', revision!, ended + 5, { object, value: value! }));
const hashes = [hashed('cp1', 4100), hashed('cp2', 4100)] as const;
const found = [look('plan', 'the cluster'), look('leftovers', 'cp1'), look('leftovers', 'cp2'), look('secrets', 'cp1'), look('secrets', 'cp2')] as const;
const sound: readonly DrillRecord[] = [began([writeLane, watchLane]), ...writes, ...reads, ...events, ...holding('cp1', 0, 4000, true), ...holding('cp2', 7, 4000, false), arp(500, 3500, ['cp1']), mark('fault begins', 600), mark('healthy', 2500), ...hashes, ...found];
const kept = Object.fromEntries(writes.map(({ object, value, revision }) => [object, [revision!, value!] as const]));

const instead = (old: DrillRecord, changed: Partial<DrillRecord>) => sound.map((one) => (one === old ? ({ ...one, ...changed } as DrillRecord) : one));
const { o20: _, ...withoutOne } = kept;

/** Each is caught by one checker alone. */
const mutants: readonly (readonly [guarantee: string, title: string, records: readonly DrillRecord[], kept: typeof withoutOne])[] = [
  ['C-ack', 'a lost write', sound, withoutOne],
  ['C-lin', 'a read that does not find what was written', instead(reads[20]!, { status: 404, value: undefined!, revision: undefined! }), kept],
  ['C-rev', 'a new object with an older revision than what is there', [...sound, request('create', 3800, { lane: 'write', object: 'late', value: 'late', revision: 1 })], { ...kept, late: [1, 'late'] }],
  ['C-watch', 'an event that never came', sound.filter((one) => one !== events[20]), kept],
  ['C-avail', 'a lane that never had an answer', [...sound.slice(1), began([writeLane, watchLane, { ...writeLane, name: 'dead' }])], kept],
  ['C-vip', 'two holders', [...sound, ...holding('cp3', 1000, 1200, true), look('leftovers', 'cp3')], kept],
  ['C-vip', 'two hosts that answer for the VIP', [...sound, arp(1000, 1000, ['cp1', 'cp2'])], kept],
  ['C-hash', 'a member with other keys', instead(hashes[1], { hash: 8 }), kept],
  ['C-converge', 'something that plan would do', instead(found[0], { found: ['cp1/etcd: restart'] }), kept],
  ['C-converge', 'a unit of the drill that is left', instead(found[2], { found: ['kubekeep-drill-undo.timer'] }), kept],
  ['C-secret', 'a key in a journal', instead(found[3], { found: ['the journal: the CA kubernetes'] }), kept],
  ['C-truth', 'a request that fails after it was called healthy', [...sound, unanswered('create', 3000, { lane: 'write', object: 'o30b', value: 'v30b' })], kept],
  ['C-truth', 'a VIP that nobody has after it was called healthy', sound.map((one) => (one.kind === 'sample' && one.at > 3000 && one.at < 3200 ? { ...one, holdsVip: false } : one)), kept],
];

describe('the judge', () => {
  test('has a verdict of every checker, each with a promise in words, and all are held for a healthy run', () => {
    const verdicts = judge(evidence(sound, kept));
    assert.deepEqual(verdicts.map(({ guarantee, state }) => [guarantee, state]), ['C-ack', 'C-lin', 'C-rev', 'C-watch', 'C-hash', 'C-avail', 'C-vip', 'C-converge', 'C-secret', 'C-truth'].map((id) => [id, 'held']));
    assert.ok(verdicts.every(({ promise, breaches }) => /^[A-Z].*\.$/.test(promise) && breaches.length === 0));
  });

  for (const [guarantee, title, records, atEnd] of mutants) {
    test(`catches ${title} by ${guarantee}, and by nothing else`, () => {
      const broken = (using = checkers) => judge(evidence(records, atEnd), using).filter(({ state }) => state === 'broken').map((verdict) => verdict.guarantee);
      assert.deepEqual(broken(), [guarantee]);
      const others = checkers.filter((check) => check(evidence([])).guarantee !== guarantee);
      assert.equal(others.length, checkers.length - 1);
      assert.deepEqual(broken(others), []);
    });
  }

  test('calls nothing held where a line of the history is damaged; what is broken stays so', () => {
    const damage = ['line 12: not JSON, or cut', 'line 13: empty'];
    const verdicts = judge(evidence(sound, withoutOne, damage));
    assert.deepEqual(verdicts.map(({ state }) => state), ['broken', ...Array<string>(checkers.length - 1).fill('unknown')]);
    assert.match(verdicts[1]!.found, /; the history is damaged \(line 12: not JSON, or cut and 1 more\)$/);
  });

  test('calls nothing held where there is no history', () => assert.ok(judge(evidence([])).every(({ state }) => state === 'unknown')));
});
