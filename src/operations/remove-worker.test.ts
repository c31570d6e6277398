import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeObject, scriptedApi } from '../../test/support/scripted-api.ts';
import { builtCluster, withoutHost, type SeenCluster } from '../../test/support/seen-cluster.ts';
import { systemClock } from '../lib/clock.ts';
import { silent } from '../lib/progress.ts';
import { letGo } from './remove-worker.ts';

const { cluster, facts } = await builtCluster('T1', 1);
/** Nothing was known of nodes when the plan was made. */
const blind = { cluster, facts: { ...facts, nodes: undefined } };
const pod = { metadata: { namespace: 'shop', name: 'web', ownerReferences: [{ kind: 'ReplicaSet', controller: true }] }, status: { phase: 'Running' } };

async function changesOf(name: string, seen: SeenCluster, answers: Readonly<Record<string, object>>): Promise<readonly string[]> {
  const { api, changes } = scriptedApi({ '/api/v1/pods': { items: [pod] }, ...answers });
  const all: string[] = [];
  const work = { cluster, clock: { ...systemClock, sleep: async () => {} }, signal: new AbortController().signal, progress: silent, journal: async () => {}, prepared: { facts: seen.facts } };
  await letGo(work, api, name, async () => void all.push(...changes, 'take off'));
  return [...all, ...changes.slice(all.length === 0 ? 0 : all.length - 1)].map((line) => line.replace(/ \{.*/, ''));
}

describe('a worker that is removed', () => {
  test('loses its pods to others first, also where nothing was known of it when the plan was made', async () => {
    assert.deepEqual(await changesOf('w1', blind, { '/api/v1/nodes/w1': nodeObject('w1') }), ['PATCH /api/v1/nodes/w1', 'POST /api/v1/namespaces/shop/pods/web/eviction', 'take off', 'DELETE /api/v1/nodes/w1']);
  });

  test('is only closed and forgotten where it is dead', async () => {
    assert.deepEqual(await changesOf('w1', withoutHost(blind, 'w1'), { '/api/v1/nodes/w1': nodeObject('w1', { ready: 'Unknown' }) }), ['PATCH /api/v1/nodes/w1', 'DELETE /api/v1/nodes/w1']);
  });

  test('loses its pods to others also where its kubelet lives and says that it is not ready', async () => {
    assert.deepEqual(await changesOf('w1', blind, { '/api/v1/nodes/w1': nodeObject('w1', { ready: 'False' }) }), ['PATCH /api/v1/nodes/w1', 'POST /api/v1/namespaces/shop/pods/web/eviction', 'take off', 'DELETE /api/v1/nodes/w1']);
  });

  test('keeps nobody waiting for a kubelet that is dead on a host that answers', async () => {
    assert.deepEqual(await changesOf('w1', blind, { '/api/v1/nodes/w1': nodeObject('w1', { ready: 'Unknown' }) }), ['PATCH /api/v1/nodes/w1', 'take off', 'DELETE /api/v1/nodes/w1']);
  });

  test('is waited for no longer where its kubelet dies while its pods move', async () => {
    const ending = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-11-27T10:00:00Z' } };
    let looks = 0;
    const [alive, dead] = (['True', 'Unknown'] as const).map((ready) => nodeObject('w1', { ready }));
    const dying = new Proxy(alive!, { get: (_, field) => Reflect.get(field === 'status' && looks++ > 0 ? dead! : alive!, field) });
    assert.deepEqual(await changesOf('w1', blind, { '/api/v1/nodes/w1': dying, '/api/v1/pods': { items: [ending] } }), ['PATCH /api/v1/nodes/w1', 'take off', 'DELETE /api/v1/nodes/w1']);
  });

  test('loses no pod for good because nobody can log in to its host', async () => {
    const lone = { metadata: { namespace: 'shop', name: 'lone' }, status: { phase: 'Running' } };
    for (const ready of ['True', 'False'] as const) await assert.rejects(changesOf('w1', withoutHost(blind, 'w1'), { '/api/v1/nodes/w1': nodeObject('w1', { ready }), '/api/v1/pods': { items: [lone] } }), { code: 'needs-confirmation' });
  });

  test('is taken off and forgotten where the cluster forgot its node before', async () => {
    assert.deepEqual(await changesOf('w1', blind, {}), ['take off', 'DELETE /api/v1/nodes/w1']);
  });

  test('is refused where neither the file nor the cluster has it', async () => {
    await assert.rejects(changesOf('w9', blind, {}), { code: 'usage', message: 'the cluster file has no host w9, and the cluster no such node' });
  });
});
