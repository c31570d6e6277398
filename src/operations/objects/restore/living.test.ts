import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { lookAtLiving } from './living.ts';
import { idOf } from './selection.ts';

const list = '/api/v1/namespaces/shop/configmaps';

it('what a cluster has of many objects of one kind is listed, of a few asked for one by one, and both are the same', async () => {
  const metadata = (name: string) => ({ metadata: { name, namespace: 'shop' } });
  const there = Array.from({ length: 600 }, (_, index) => `m${index}`);
  const sought = (count: number) => [...there.slice(0, count), 'none'].map((name) => ({ name: { group: '', resource: 'configmaps', namespace: 'shop', name }, version: 'v1' }));
  for (const [count, most] of [[20, 22], [550, 4]] as const) {
    const asked: string[] = [];
    const get = async (path: string): Promise<unknown> => {
      asked.push(path);
      const [where = '', query = ''] = path.split('?');
      if (where === '/api/v1') return { resources: [{ name: 'configmaps' }] };
      const words = new URLSearchParams(query);
      const from = Number(words.get('continue') ?? 0);
      const end = from + Number(words.get('limit'));
      if (where === list) return { kind: 'ConfigMapList', metadata: end < there.length ? { continue: String(end) } : {}, items: there.slice(from, end).map(metadata) };
      const name = where.slice(list.length + 1);
      return there.includes(name) ? { apiVersion: 'v1', kind: 'ConfigMap', ...metadata(name) } : Promise.reject(new ApiError('', { status: 404, reason: 'NotFound' }));
    };
    const { objects } = await lookAtLiving({ get } as unknown as ApiClient, sought(count), new AbortController().signal);
    assert.deepEqual(objects, new Map(sought(count).slice(0, -1).map(({ name }) => [idOf(name), { ...metadata(name.name), apiVersion: 'v1', kind: 'ConfigMap' }])));
    assert.ok(asked.length <= most, `${count}: ${asked.length} requests`);
  }
});
