import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servingRequest } from '../../../test/support/serving-request.ts';
import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { Clock } from '../../lib/clock.ts';
import { requestsPath } from '../look-at-nodes.ts';
import { approveServing } from './approve-serving.ts';

const w2 = { name: 'w2', address: '10.0.0.13' };
const { signal } = new AbortController();

/** As a kubelet asks. */
function asked(name: string): object {
  const { pem, user: username, groups, usages } = servingRequest;
  return { metadata: { name }, spec: { request: Buffer.from(pem).toString('base64'), username, groups, usages } };
}

/** A kubelet that asks first, and again after some looks at it, since it was restarted; it serves with what was granted last. */
async function lateKubelet(secondAfter: number) {
  const requests = [asked('first')];
  const granted: string[] = [];
  const second = asked('second');
  let [looks, time] = [0, 0];
  const get = async (path: string) => {
    if (path.endsWith('/proxy/configz')) {
      if (++looks === secondAfter) requests.push(second);
      if (granted.includes('second')) return {};
      throw new ApiError('tls: internal error', { status: 500, reason: 'InternalError' });
    }
    if (path.startsWith(`${requestsPath}/`)) return {};
    if (path.startsWith(requestsPath)) return { items: requests };
    if (path === '/api/v1/nodes') return { items: [] };
    throw new ApiError(path, { status: 404, reason: 'NotFound' });
  };
  const put = async (path: string) => {
    const name = path.split('/').at(-2)!;
    granted.push(name);
    requests.splice(0, requests.length, ...requests.filter((one) => (one as { metadata: { name: string } }).metadata.name !== name));
  };
  const clock = { monotonic: () => time, sleep: async (ms: number) => void (time += ms) } as unknown as Clock;
  await approveServing({ clock, signal }, { get, put } as unknown as ApiClient, w2);
  return { granted, seconds: time / 1000 };
}

test('a kubelet that was restarted before its certificate was there gets the one that it asks for then', async () => {
  assert.deepEqual((await lateKubelet(7)).granted, ['first', 'second']);
});

test('a kubelet that no API server reaches is waited for a while, and no longer', async () => {
  const { granted, seconds } = await lateKubelet(Infinity);
  assert.deepEqual(granted, ['first']);
  assert.ok(seconds > 10 && seconds < 30, String(seconds));
});
