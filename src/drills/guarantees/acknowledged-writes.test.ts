import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, refused, request, unanswered } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord } from '../history/record.ts';
import { acknowledgedWrites } from './acknowledged-writes.ts';

type Kept = Readonly<Record<string, readonly [revision: number, value: string]>>;
type Case = readonly [title: string, records: readonly DrillRecord[], kept: Kept];

const created = request('create', 0, { value: 'a', revision: 10 });
const updated = request('update', 100, { value: 'b', revision: 11, expected: 10 });
const deleted = request('delete', 200, { expected: 11 });

const held: readonly Case[] = [
  ['the object is there', [created], { r: [10, 'a'] }],
  ['the last of two writes is there', [updated, created], { r: [11, 'b'] }],
  ['deleted and gone', [created, updated, deleted], {}],
  ['deleted, created again and there', [created, updated, deleted, request('create', 300, { value: 'c', revision: 20 })], { r: [20, 'c'] }],
  ['created again while the answer to the deletion was on its way', [created, updated, { ...deleted, ended: 400 }, request('create', 300, { value: 'c', revision: 20 })], { r: [20, 'c'] }],
  ['an unanswered update happened', [created, unanswered('update', 50, { value: 'x', expected: 10 })], { r: [17, 'x'] }],
  ['an unanswered update did not happen', [created, unanswered('update', 50, { value: 'x', expected: 10 })], { r: [10, 'a'] }],
  ['an unanswered deletion happened', [created, unanswered('delete', 50, { expected: 10 })], {}],
  ['an unanswered creation after the deletion happened', [created, updated, deleted, unanswered('create', 300, { value: 'x' })], { r: [17, 'x'] }],
  ['an unanswered creation and an unanswered update of it happened', [created, updated, deleted, unanswered('create', 300, { value: 'x' }), unanswered('update', 400, { value: 'y', expected: 17 })], { r: [18, 'y'] }],
  ['rewritten as it was, by a migration', [created], { r: [40, 'a'] }],
  ['refused and not there', [created, refused('create', 0, { object: 's', value: 's' })], { r: [10, 'a'] }],
  ['refused because it was there before the run', [created, refused('create', 0, { object: 's', value: 'mine' })], { r: [10, 'a'], s: [2, 'theirs'] }],
  ['objects of others', [created], { r: [10, 'a'], 'kube-root-ca.crt': [2, ''] }],
];

const broken: readonly (readonly [...Case, breach: RegExp])[] = [
  ['a created object is gone', [created], {}, /^create of "r" by lane "register" \(0\.000 s to 0\.010 s\) was acknowledged at revision 10; at the end there is no such object$/],
  ['an update is undone', [created, updated], { r: [10, 'a'] }, /at revision 11; at the end there is "a" at revision 10/],
  ['an update is undone at a new revision', [created, updated], { r: [50, 'a'] }, /there is "a" at revision 50/],
  ['another value at the same revision', [created, updated], { r: [11, 'z'] }, /there is "z"/],
  ['a deletion is undone', [created, updated, deleted], { r: [11, 'b'] }, /delete of "r".*there is "b"/],
  ['what was created again after a deletion is gone', [created, updated, deleted, request('create', 300, { value: 'c', revision: 20 })], {}, /create of "r" .* at revision 20/],
  ['overwritten by something else than the unanswered update', [created, unanswered('update', 50, { value: 'x', expected: 10 })], { r: [17, 'z'] }, /there is "z" at revision 17/],
  ['gone, and the unanswered deletion was conditional on an older state', [created, updated, unanswered('delete', 50, { expected: 10 })], {}, /no such object/],
  ['overwritten by what was refused', [created, refused('update', 50, { value: 'z', expected: 9 })], { r: [12, 'z'] }, /there is "z" at revision 12, which was refused to lane "register"/],
  ['a refused creation is there', [created, refused('create', 0, { object: 's', value: 'mine', lane: 'write' })], { r: [10, 'a'], s: [11, 'mine'] }, /create of "s" by lane "write" .* was refused with 409; at the end there is "mine"/],
];

describe('C-ack', () => {
  for (const [title, records, kept] of held) test(`holds: ${title}`, () => {
    const { state, breaches } = acknowledgedWrites(evidence(records, kept));
    assert.deepEqual([state, breaches], ['held', []]);
  });

  for (const [title, records, kept, breach] of broken) test(`catches: ${title}`, () => {
    const { state, breaches } = acknowledgedWrites(evidence(records, kept));
    assert.equal(state, 'broken');
    assert.match(breaches[0]!, breach);
  });

  test('cannot tell: an empty history, nothing acknowledged, an end that could not be read', () => {
    const states = [evidence([]), evidence([unanswered('create', 0)]), { ...evidence([created]), finally: undefined }].map((given) => acknowledgedWrites(given).state);
    assert.deepEqual(states, ['unknown', 'unknown', 'unknown']);
  });

  test('counts what was lost and what happened without an answer, and keeps ten breaches', () => {
    const lost = Array.from({ length: 1200 }, (_, turn) => request('create', turn, { object: `o${turn}`, value: `v${turn}`, revision: 100 + turn }));
    const unknown = ['x', 'y', 'z'].map((object) => unanswered('create', 5, { object, value: object }));
    const { found, breaches } = acknowledgedWrites(evidence([...lost, ...unknown], { o1: [101, 'v1'], x: [500, 'x'] }));
    assert.equal(found, '1,200 acknowledged writes, 1,199 lost, 3 unanswered of which at least 1 happened');
    assert.equal(breaches.length, 10);
  });
});
