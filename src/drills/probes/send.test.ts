import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { scriptedConnection } from '../../../test/support/scripted-connection.ts';
import type { Reply } from '../../../test/support/scripted-connection.ts';
import { laneContext } from '../../../test/support/lane-context.ts';
import { perform } from './perform.ts';
import { send } from './send.ts';

const call = { method: 'GET', path: '/' } as const;
const turnedAway = { failure: { error: 'turned away', unprocessed: true, turnedAway: true } };

const rules: readonly (readonly [title: string, replies: readonly [Reply, ...Reply[]], attempts: number, status: number | undefined])[] = [
  ['429 with Retry-After is sent again', [{ status: 429, retryAfter: 0.05 }, { status: 429, retryAfter: 0.05 }, { status: 201 }], 3, 201],
  ['429 without Retry-After stands', [{ status: 429 }, { status: 201 }], 1, 429],
  ['429 whose Retry-After leaves no time for an honest attempt stands', [{ status: 429, retryAfter: 2.5 }, { open: true }], 1, 429],
  ['what a goodbye turned away is sent again at once', [turnedAway, { status: 200 }], 2, 200],
  ['what is turned away again and again ends with the patience', [turnedAway], 3, undefined],
  ['503 stands', [{ status: 503, retryAfter: 0.01 }, { status: 200 }], 1, 503],
  ['a cut is not sent again: it may have happened', [{ failure: { error: 'ECONNRESET', unprocessed: false } }, { status: 201 }], 1, undefined],
  ['a connection that nobody accepts is not tried again', [{ failure: { error: 'ECONNREFUSED', unprocessed: true } }, { status: 201 }], 1, undefined],
];
for (const [title, replies, attempts, status] of rules) {
  test(title, async () => {
    const connection = scriptedConnection(...replies);
    const answer = await send(connection, call, { patience: 3000, clock: systemClock });
    assert.deepEqual([connection.calls.length, answer.status], [attempts, status]);
  });
}

test('a request without an answer is given up in time, and says whether it had left', async () => {
  for (const unsent of [true, false]) {
    const start = performance.now();
    const { failure } = await send(scriptedConnection({ open: true, unsent }), call, { patience: 200, clock: systemClock });
    assert.deepEqual(failure, { error: 'time-out', unprocessed: unsent });
    assert.ok(performance.now() - start >= 195 && performance.now() - start < 1500);
  }
});

const body = (revision: number) => JSON.stringify({ metadata: { name: 'a', resourceVersion: String(revision) }, data: { value: 'v' } });
const results: readonly (readonly [title: string, operation: 'create' | 'get', reply: Reply, expected: object])[] = [
  ['a created object', 'create', { status: 201, text: body(7) }, { outcome: 'acknowledged', status: 201, revision: 7, value: 'v' }],
  ['an object that exists already', 'create', { status: 409, text: '{}' }, { outcome: 'refused', status: 409, value: 'v' }],
  ['too many requests', 'create', { status: 429, text: 'later' }, { outcome: 'refused', status: 429, value: 'v' }],
  ['a server error', 'create', { status: 500, text: '{}' }, { outcome: 'unknown', status: 500, value: 'v' }],
  ['an answer that was cut', 'create', { status: 201, text: '{"meta', failure: { error: 'cut', unprocessed: false } }, { outcome: 'unknown', status: 201, error: 'cut', value: 'v' }],
  ['nobody listens', 'create', { failure: { error: 'ECONNREFUSED', unprocessed: true } }, { outcome: 'refused', error: 'ECONNREFUSED', value: 'v' }],
  ['a read', 'get', { status: 200, text: body(9) }, { outcome: 'acknowledged', status: 200, revision: 9, value: 'v' }],
  ['a read that is no object', 'get', { status: 200, text: '<html>' }, { outcome: 'unknown', status: 200, error: 'not understood' }],
  ['a read of nothing', 'get', { status: 404, text: '{"metadata":{}}' }, { outcome: 'acknowledged', status: 404 }],
];
for (const [title, operation, reply, expected] of results) {
  test(`the record of ${title}`, async () => {
    const context = laneContext(scriptedConnection(reply));
    await perform(context, 5, { operation, object: 'a', ...(operation === 'create' && { value: 'v' }) }, call);
    const { sent, ended, ...rest } = context.records[0] as never as Record<string, number>;
    assert.deepEqual(rest, { kind: 'request', lane: context.lane.name, operation, object: 'a', due: 5, ...expected });
    assert.ok(ended! >= sent!);
  });
}
