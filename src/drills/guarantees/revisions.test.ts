import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, request, unanswered } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord } from '../history/record.ts';
import { revisions } from './revisions.ts';

const created = request('create', 0, { value: 'a', revision: 10 });
const updated = request('update', 100, { value: 'b', revision: 12, expected: 10 });
const read = (sent: number, revision: number, lane = 'register') => request('get', sent, { lane, value: 'x', revision });

const held: readonly (readonly [title: string, records: readonly DrillRecord[]])[] = [
  ['the same and greater revisions', [read(200, 12, 'read'), created, updated, read(150, 12)]],
  ['an older revision of a read that was sent before the update was answered', [created, { ...updated, ended: 300 }, read(120, 12), { ...read(125, 10), ended: 400 }]],
  ['an older revision of another object', [created, updated, request('get', 200, { object: 's', value: 's', revision: 4 })]],
  ['a deletion, whose answer has none', [created, request('delete', 100, { expected: 10 }), request('create', 200, { value: 'c', revision: 14 })]],
];

const broken: readonly (readonly [title: string, records: readonly DrillRecord[], breach: RegExp])[] = [
  ['a lane that reads an older revision than before', [created, updated, read(200, 10)], /get of "r" .* at revision 10, after update of "r" .* at revision 12/],
  ['another lane that does', [created, read(50, 12, 'one'), read(70, 10, 'other')], /by lane "other" .*after get of "r" by lane "one"/],
  ['an older revision than of a read that was answered before another one', [created, read(50, 12), { ...read(55, 10), ended: 90 }, read(100, 11)], /at revision 11, after get of "r" .* at revision 12/],
  ['a new object with an older revision than another one has: a store that was put back', [created, updated, request('create', 200, { object: 's', value: 's', revision: 11 })], /create of "s" .* at revision 11, after update of "r"/],
  ['a new object with a revision that is another one\'s', [created, request('create', 200, { object: 's', value: 's', revision: 10 })], /create of "s"/],
];

describe('C-rev', () => {
  for (const [title, records] of held) test(`holds: ${title}`, () => {
    const { state, breaches } = revisions(evidence(records));
    assert.deepEqual([state, breaches], ['held', []]);
  });

  for (const [title, records, breach] of broken) test(`catches: ${title}`, () => {
    const { state, breaches } = revisions(evidence(records));
    assert.equal(state, 'broken');
    assert.equal(breaches.length, 1);
    assert.match(breaches[0]!, breach);
  });

  test('cannot tell: an empty history, one answer, answers that overlap, no answers', () => {
    for (const records of [[], [created], [created, { ...read(5, 10), ended: 20 }], [unanswered('create', 0), unanswered('get', 100)]]) assert.equal(revisions(evidence(records)).state, 'unknown');
  });
});
