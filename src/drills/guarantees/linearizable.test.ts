import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededDraw } from '../../lib/seeded-draw.ts';
import { evidence, refused, request, unanswered } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord, Request } from '../history/record.ts';
import { linearizable, linearizableWithin } from './linearizable.ts';

const created = request('create', 0, { value: 'a', revision: 10 });
const updated = request('update', 100, { value: 'b', revision: 11, expected: 10 });
const read = (sent: number, value: string, revision: number) => request('get', sent, { value, revision });
const nothing = (sent: number) => request('get', sent, { status: 404 });

const held: readonly (readonly [title: string, records: readonly DrillRecord[]])[] = [
  ['create, update, read', [created, updated, read(200, 'b', 11)]],
  ['a read while an update is under way', [created, { ...updated, ended: 300 }, read(150, 'a', 10), read(200, 'b', 11)]],
  ['deleted and created again', [created, request('delete', 50, { expected: 10 }), nothing(70), request('create', 100, { value: 'c', revision: 15 }), read(200, 'c', 15)]],
  ['of two updates with one condition, one is refused', [created, updated, refused('update', 101, { value: 'c', expected: 10 }), read(200, 'b', 11)]],
  ['an unanswered update that a read shows', [created, unanswered('update', 20, { value: 'x', expected: 10 }), read(100, 'x', 17), request('update', 200, { value: 'y', expected: 17, revision: 18 })]],
  ['an unanswered update that a later condition shows', [created, unanswered('update', 20, { value: 'x', expected: 10 }), request('update', 200, { value: 'y', expected: 17, revision: 18 })]],
  ['an unanswered update that happens after its client gave up', [created, unanswered('update', 20, { value: 'x', expected: 10 }), read(100, 'a', 10), read(200, 'x', 17)]],
  ['an unanswered creation and deletion that never happened', [nothing(0), unanswered('create', 20, { value: 'x' }), nothing(100), unanswered('delete', 200), nothing(300)]],
  ['an update that changes nothing keeps its revision', [created, request('update', 50, { value: 'a', expected: 10, revision: 10 }), read(100, 'a', 10)]],
  ['an object from before the run', [read(0, 'old', 3), request('update', 50, { value: 'a', expected: 3, revision: 10 }), read(100, 'a', 10)]],
  ['a refusal that was never sent says nothing', [created, { ...refused('update', 20, { value: 'z', expected: 10 }), error: 'ECONNREFUSED' }, read(200, 'a', 10)]],
  ['too many requests says nothing', [created, refused('update', 20, { value: 'z', expected: 10, status: 429 }), read(200, 'a', 10)]],
];

const broken: readonly (readonly [mutant: string, records: readonly DrillRecord[], breach: RegExp])[] = [
  ['stale read', [created, updated, read(200, 'a', 10)], /nothing fits get of "r" by lane "register" \(0\.200 s to 0\.210 s\), which read "a" at revision 10/],
  ['stale read of nothing', [created, nothing(100)], /found no object/],
  ['lost update', [created, updated, request('update', 200, { value: 'c', revision: 12, expected: 10 })], /revision 12/],
  ['read of a refused write', [created, refused('update', 50, { value: 'z', expected: 9 }), read(100, 'z', 11)], /read "z"/],
  ['read of a refused write as the first thing', [read(100, 'z', 11), refused('update', 50, { value: 'z', expected: 9 })], /read "z"/],
  ['double success of the same conditional update', [created, { ...updated, ended: 300 }, { ...updated, sent: 120, ended: 250, value: 'c', revision: 12 }], /no order explains the 3 requests/],
  ['double success of a creation', [created, request('create', 5, { value: 'b', revision: 12 })], /create/],
  ['conflict although the condition held', [created, refused('update', 100, { value: 'c', expected: 10 }), read(200, 'a', 10)], /refused with 409/],
  ['not found although it was there', [created, refused('delete', 100, { expected: 10, status: 404 }), read(200, 'a', 10)], /refused with 404/],
  ['deleted and still read', [created, request('delete', 50, { expected: 10 }), read(100, 'a', 10)], /read "a"/],
  ['another value at the same revision', [created, read(100, 'b', 10)], /read "b"/],
  ['the same value at a revision of its own', [created, read(100, 'a', 12)], /revision 12/],
  ['an older revision acknowledged', [created, { ...updated, revision: 9 }], /revision 9/],
  ['an unanswered update that happened and was undone', [created, unanswered('update', 20, { value: 'x', expected: 10 }), read(100, 'x', 17), read(200, 'a', 10)], /read "a"/],
];

describe('C-lin', () => {
  for (const [title, records] of held) test(`holds: ${title}`, () => assert.deepEqual(pick(linearizable(evidence(records))), ['held', []]));

  for (const [mutant, records, breach] of broken) {
    test(`catches: ${mutant}`, () => {
      const { state, breaches } = linearizable(evidence(records));
      assert.equal(state, 'broken');
      assert.match(breaches[0]!, breach);
    });
  }

  for (const [title, records] of [['an empty history', []], ['one request for each object', [created, { ...created, object: 's' }]], ['reads without an answer', [unanswered('get', 0), unanswered('get', 10)]]] as const) {
    test(`cannot tell: ${title}`, () => assert.equal(linearizable(evidence(records)).state, 'unknown'));
  }

  test('an object that needs more than the budget is not decided, and a breach of another one counts all the same', () => {
    const hard = Array.from({ length: 12 }, (_, turn) => request('update', 0, { value: `v${turn}`, ended: 100, object: 'hard' }));
    const unfit = request('get', 200, { value: 'never written', object: 'hard' });
    const checker = linearizableWithin(500);
    assert.deepEqual(pick(checker(evidence([...hard, unfit]))), ['unknown', []]);
    assert.match(checker(evidence([...hard, unfit])).found, /1 object could not be decided in 500 steps/);
    assert.equal(checker(evidence([...hard, unfit, created, updated, read(200, 'a', 10)])).state, 'broken');
  });

  test('what a real register answers is held, whatever overlaps and is not answered; one changed answer is broken', () => {
    const draw = seededDraw(20261123);
    for (let round = 0; round < 40; round++) {
      const records = simulate(draw, 150);
      assert.deepEqual(pick(linearizable(evidence(records))), ['held', []], `round ${round}`);
      const reads = records.filter(({ operation, outcome, value }) => operation === 'get' && outcome === 'acknowledged' && value !== undefined);
      const victim = reads[Math.floor(draw() * reads.length)]!;
      assert.equal(linearizable(evidence(records.map((one) => (one === victim ? { ...one, value: 'never written' } : one)))).state, 'broken');
    }
  });
});

function pick({ state, breaches }: ReturnType<typeof linearizable>) {
  return [state, breaches];
}

/** Clients of one sequential register, each request taking effect at a random moment of its own, some unanswered and some of those never happening. */
function simulate(draw: () => number, count: number): Request[] {
  const clients = Array.from({ length: 6 }, () => ({ free: 0, seen: undefined as number | undefined }));
  let object: { revision: number; value: string } | undefined;
  let revision = 100;
  const drawn = Array.from({ length: count }, (_, turn) => ({ turn, client: Math.floor(draw() * clients.length), wait: draw() * 5, before: draw() * 20, after: draw() * 20, dice: draw(), luck: draw() }));
  const planned = drawn.map((one) => {
    const client = clients[one.client]!;
    const sent = client.free + one.wait;
    client.free = sent + one.before + one.after;
    return { ...one, client, sent, at: sent + one.before, ended: client.free };
  });
  return planned.sort((a, b) => a.at - b.at).map(({ turn, client, sent, ended, dice, luck }): Request => {
    const operation = client.seen === undefined || dice < 0.3 ? 'get' : client.seen === 0 ? 'create' : dice < 0.9 ? 'update' : 'delete';
    const times = { sent, ended, due: sent, lane: `client ${clients.indexOf(client)}` };
    const lost = luck < 0.15;
    if (operation === 'get') {
      client.seen = lost ? undefined : (object?.revision ?? 0);
      if (lost) return unanswered('get', sent, times);
      return request('get', sent, { ...times, ...(object ?? { status: 404 }) });
    }
    const value = `v${turn}`;
    const expected = client.seen!;
    const condition = operation === 'create' ? { value } : { ...(operation === 'update' && { value }), expected };
    const able = operation === 'create' ? !object : object?.revision === expected;
    client.seen = undefined;
    if (lost && luck < 0.07) return unanswered(operation, sent, { ...times, ...condition });
    if (able) object = operation === 'delete' ? undefined : { revision: ++revision, value };
    if (lost) return unanswered(operation, sent, { ...times, ...condition });
    if (!able) return refused(operation, sent, { ...times, ...condition, status: operation !== 'create' && !object ? 404 : 409 });
    return request(operation, sent, { ...times, ...condition, ...(object && { revision: object.revision }) });
  });
}
