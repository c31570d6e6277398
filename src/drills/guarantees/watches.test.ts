import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, request, unanswered, watched } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord, WatchEnded } from '../history/record.ts';
import { watches } from './watches.ts';

const ended = (from: number, at: number, why = 'cut'): WatchEnded => ({ kind: 'watch ended', lane: 'watch', from, at, why });
const writes = [
  request('create', 0, { value: 'a', revision: 10 }),
  request('update', 100, { value: 'b', revision: 12, expected: 10 }),
  request('update', 200, { value: 'c', revision: 15, expected: 12 }),
  request('create', 200, { object: 's', lane: 'write', value: 's', revision: 16 }),
];
const a = watched('ADDED', 10, 20, { value: 'a' });
const b = watched('MODIFIED', 12, 120, { value: 'b' });
const c = watched('MODIFIED', 15, 220, { value: 'c' });
const s = watched('ADDED', 16, 230, { object: 's', value: 's' });
const bookmark = (revision: number, at: number) => watched('BOOKMARK', revision, at);

const held: readonly (readonly [title: string, records: readonly DrillRecord[]])[] = [
  ['every write in order, in whatever order the records are', [s, c, ...writes, bookmark(16, 300), a, b]],
  ['what comes after the last that the watch told is not missed yet', [...writes, a, b]],
  ['resumed from the last event', [...writes, a, b, ended(1, 150), { ...c, from: 12 }, { ...s, from: 12 }]],
  ['resumed from a bookmark', [...writes, a, bookmark(11, 50), ended(1, 60), { ...b, from: 11 }, { ...c, from: 11 }]],
  ['resumed from before the last event, so that it comes again', [...writes, a, b, ended(1, 150), { ...b, from: 10, at: 160 }, { ...c, from: 10 }]],
  ['resumed from the same revision after a watch that told nothing', [...writes, ended(1, 5), a, b, c]],
  ['deleted and created again', [...writes, a, b, c, s, watched('DELETED', 17, 400, { value: 'c' }), watched('ADDED', 18, 410)]],
  ['objects of others', [...writes, watched('ADDED', 8, 10, { object: 'kube-root-ca.crt' }), a, b]],
  ['unanswered writes that happened, and some that did not', [...writes, a, b, c, s, unanswered('update', 250, { value: 'x' }), unanswered('update', 250, { value: 'y' }), watched('MODIFIED', 17, 260, { value: 'x' })]],
  ['events of one instant', [...writes, { ...b, at: 20 }, a]],
];

const broken: readonly (readonly [title: string, records: readonly DrillRecord[], breach: RegExp])[] = [
  ['a missed update', [...writes, a, c, s], /from revision 1 came to 16 without revision 12: update of "r" by lane "register"/],
  ['a missed object of another lane', [...writes, a, b, c, bookmark(16, 300)], /without revision 16: create of "s" by lane "write"/],
  ['an update that was missed between two watches', [...writes, a, b, ended(1, 150), { ...s, from: 12 }], /from revision 12 came to 16 without revision 15/],
  ['a missed deletion', [...writes, a, watched('ADDED', 11, 30), b, c], /ADDED of "r" at revision 11 .* without a deletion/],
  ['a missed creation', [...writes, a, watched('DELETED', 11, 30), b, c], /MODIFIED of "r" .* without a creation/],
  ['the same event twice', [...writes, a, b, { ...b, at: 130 }, c], /MODIFIED of "r" \("b"\) at revision 12 in the watch of lane "watch" at 0\.130 s came twice/],
  ['events out of order', [...writes, a, { ...c, at: 110 }, b], /revision 12 .* came after revision 15/],
  ['an event from before the start', [...writes, { ...a, from: 10 }, { ...b, from: 10 }], /revision 10 .* is not after the watch's start at revision 10/],
  ['a bookmark that is older than an event before it', [...writes, a, b, bookmark(11, 130)], /BOOKMARK at revision 11 .* came after revision 12/],
  ['an event that a bookmark had said was over', [...writes, a, b, bookmark(15, 210), c], /MODIFIED of "r" .* came after a bookmark of revision 15/],
  ['another value than was written', [...writes, a, { ...b, value: 'z' }], /"z".* is not what was written: update of "r"/],
];

describe('C-watch', () => {
  for (const [title, records] of held) test(`holds: ${title}`, () => {
    const { state, breaches } = watches(evidence(records));
    assert.deepEqual([state, breaches], ['held', []]);
  });

  for (const [title, records, breach] of broken) test(`catches: ${title}`, () => {
    const { state, breaches } = watches(evidence(records));
    assert.equal(state, 'broken');
    assert.ok(breaches.some((one) => breach.test(one)), breaches.join('\n'));
  });

  test('a gap after 410 is allowed up to the new list, and said', () => {
    const records = [...writes, a, ended(1, 50, '410'), { ...s, from: 15 }];
    const { state, found } = watches(evidence(records));
    assert.deepEqual([state, found], ['held', '2 watches with 2 events, 0 missed or different, 0 doubled, out of order or out of place, 1 gap after 410, closed by a new list']);
    assert.equal(watches(evidence([...records.slice(0, -1), { ...s, from: 11 }])).state, 'broken');
  });

  test('cannot tell: an empty history, watches that told nothing, a gap without 410', () => {
    for (const records of [[], writes, [...writes, ended(1, 50)], [...writes, a, ended(1, 50), { ...s, from: 15 }]]) assert.equal(watches(evidence(records)).state, 'unknown');
  });
});
