import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../clients/kubernetes/api-error.ts';
import { countInFlight, requestsInFlight } from './follow-api.ts';

const head = 'PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests';
const cases: readonly (readonly [title: string, table: unknown, count: number | undefined])[] = [
  ['are those of all levels that are worked on or wait', `${head}\nexempt, 0, false, false, 0, 3, 20, 0, 0, 0\nglobal-default, 2, false, false, 40, 12, 9, 0, 0, 0\n`, 55],
  ['are none where nothing goes on', `${head}\nexempt, 0, true, false, 0, 0, 20, 0, 0, 0`, 0],
  ['are found by the names of columns', 'ExecutingRequests, Name, WaitingRequests\n1, x, 2\n', 3],
  ['are unknown without a level', `${head}\n`, undefined],
  ['are unknown without their columns', 'PriorityLevelName, ExecutingRequests\nexempt, 3\n', undefined],
  ['are unknown where a number is none', `${head}\nexempt, 0, true, false, many, 0\n`, undefined],
  ['are unknown where the answer is something else', { kind: 'Status' }, undefined],
  ['are unknown where there is none', '', undefined],
];
for (const [title, table, count] of cases) test(`requests in flight ${title}`, () => assert.equal(countInFlight(table), count));

test('an API server that has no room for the question has as many as it may have, and whatever else fails is said', async () => {
  const failing = (reason: string) => ({ get: () => Promise.reject(new ApiError('refused', { reason })) });
  const { signal } = new AbortController();
  assert.equal(await requestsInFlight(failing('TooManyRequests'), signal), Number.POSITIVE_INFINITY);
  await assert.rejects(requestsInFlight(failing('Forbidden'), signal), { code: 'api-failed', message: 'refused' });
  await assert.rejects(requestsInFlight({ get: () => Promise.resolve('no' as never) }, signal), { code: 'api-failed', message: /no table of priority levels/ });
});
