import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import type { JsonObject } from '../../../objects/json.ts';
import { comparable } from '../../../objects/manifest.ts';
import { applyUndo, planUndo } from './undo-restore.ts';
import type { UndoEntry } from './undo-record.ts';

const map = (data: JsonObject, metadata: JsonObject = {}): JsonObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'shop', ...metadata }, data });
const written = map({ a: '1' });
const before = map({ a: '0' }, { uid: 'u', resourceVersion: '5' });

describe('what becomes of an object that a restore wrote, when that is undone', () => {
  for (const [title, entry, now, action, why] of [
    ['it is removed where it is as it was written', { uid: 'u' }, map({ a: '1' }, { uid: 'u', resourceVersion: '9' }), 'remove', undefined],
    ['it is put back where it was another one', { uid: 'u', before }, map({ a: '1' }, { uid: 'u', resourceVersion: '9' }), 'put-back', undefined],
    ['nothing, where it is gone', { uid: 'u' }, undefined, 'none', /it is gone/],
    ['nothing, where it is as it was', { uid: 'u', before }, before, 'none', /as it was/],
    ['nothing, where it is being deleted', { uid: 'u' }, map({ a: '1' }, { uid: 'u', deletionTimestamp: 'x' }), 'none', /being deleted/],
    ['it stays where somebody has changed it', { uid: 'u' }, map({ a: '2' }, { uid: 'u' }), 'keep', /changed since: data\.a/],
    ['it stays where somebody has added something', { uid: 'u' }, map({ a: '1', b: '2' }, { uid: 'u' }), 'keep', /changed since: data\.b/],
    ['it stays where somebody has made it again', { uid: 'u' }, map({ a: '1' }, { uid: 'other' }), 'keep', /made again by somebody else/],
    ['what was there before and was deleted since is not made again', { uid: 'u', before }, undefined, 'keep', /deleted since/],
    ['it is removed where the restore was killed, and what it has beside is what the API server filled in', {}, map({ a: '1', filled: 'in' }, { uid: 'x' }), 'remove', undefined],
    ['it stays where the restore was killed, and it has another content', {}, map({ a: '2' }, { uid: 'x' }), 'keep', /changed since/],
    ['nothing, where the restore was killed before it wrote it', { before }, before, 'none', /not written/],
  ] as const) {
    it(title, async () => {
      const api = { get: async () => now ?? Promise.reject(new ApiError('no', { status: 404, reason: 'NotFound' })) } as unknown as ApiClient;
      const [step] = await planUndo(api, [{ name: { group: '', resource: 'configmaps', namespace: 'shop', name: 'm' }, path: '/m', after: written, ...entry }], new AbortController().signal);
      assert.equal(step!.action, action);
      if (why) assert.match(step!.why ?? '', why);
      else assert.equal(step!.why, undefined);
    });
  }
});

/** What an API server answers, by path; what is not among it is not there, and a number is the status of a refusal. */
function apiWith(answers: Readonly<Record<string, unknown>>, changed: string[] = []): ApiClient {
  const get = async (path: string) => {
    const answer = answers[path];
    if (answer === undefined || typeof answer === 'number') throw new ApiError('the server is out', { status: answer ?? 404, reason: answer === undefined ? 'NotFound' : 'ServiceUnavailable' });
    return answer;
  };
  return { get, delete: async (path: string) => changed.push(path), put: async (path: string) => changed.push(path) } as unknown as ApiClient;
}

const { signal } = new AbortController();
const things = '/apis/example.org/v1/namespaces/shop/things';
const olds = '/apis/example.org/v1alpha1/namespaces/shop/olds';
const resource = (name: string, kind: string) => ({ name, kind, namespaced: true, verbs: ['list', 'delete'] });
const served = {
  '/apis': { groups: [{ name: 'example.org', versions: [{ version: 'v1' }, { version: 'v1alpha1' }] }] },
  '/api/v1': { resources: [resource('configmaps', 'ConfigMap')] },
  '/apis/example.org/v1': { resources: [resource('things', 'Thing')] },
  '/apis/example.org/v1alpha1': { resources: [resource('things', 'Thing'), resource('olds', 'Old')] },
};
const owned = (kind: string, uid: string) => ({ items: [{ metadata: { name: 'one', namespace: 'shop', uid: 'x', ownerReferences: [{ apiVersion: 'example.org/v1', kind, name: 'owner', uid }] } }] });
const entry = (group: string, kind: string, namespace: string, path: string, uid: string): UndoEntry => ({ name: { group, resource: kind, namespace, name: path.split('/').at(-1)! }, path, uid, after: { metadata: {} } });

describe('a namespace that a restore made, when that is undone', () => {
  const shop = { metadata: { uid: 'ns' } };
  for (const [title, answers, action, why] of [
    ['goes where nothing is in it', {}, 'remove', undefined],
    ['stays for what is served in another version than the preferred one alone', { [olds]: { items: [{ metadata: { name: 'one', namespace: 'shop', uid: 'x' } }] } }, 'keep', /more in it than was restored: olds\.example\.org\/one in shop$/],
    ['stays for what has an owner elsewhere', { [things]: owned('Outside', 'o') }, 'keep', /things\.example\.org\/one in shop$/],
    ['goes with what something in it owns', { [things]: owned('Old', 'o') }, 'remove', undefined],
    ['goes with what something owns that goes too', { [things]: owned('Outside', 'm') }, 'remove', undefined],
    ['stays where a part of the API does not say what there is', { '/apis/example.org/v1alpha1': 503 }, 'keep', /cannot be seen what else would go with it: .*the server is out/],
  ] as const) {
    it(title, async () => {
      const api = apiWith({ ...served, '/shop': shop, '/shop/m': { metadata: { uid: 'm' } }, ...answers });
      const steps = await planUndo(api, [entry('', 'namespaces', '', '/shop', 'ns'), entry('', 'configmaps', 'shop', '/shop/m', 'm')], signal);
      const [, step] = steps;
      assert.equal(step!.action, action);
      if (why) assert.match(step!.why ?? '', why);
      else assert.equal(step!.why, undefined);
    });
  }

  it('stays where something came into it after it was asked', async () => {
    const changed: string[] = [];
    const steps = await planUndo(apiWith({ ...served, '/shop': shop }), [entry('', 'namespaces', '', '/shop', 'ns')], signal);
    const [done] = await applyUndo(apiWith({ ...served, '/shop': shop, [olds]: { items: [{ metadata: { name: 'one', namespace: 'shop', uid: 'x' } }] } }, changed), steps, signal);
    assert.deepEqual([steps[0]!.action, done!.action, changed], ['remove', 'keep', []]);
  });
});

describe('the definition of a custom resource that a restore made, when that is undone', () => {
  for (const [title, kind, action] of [['stays for one whose owner stays', 'Deployment', 'keep'], ['goes with one that another of its kind owns', 'Thing', 'remove']] as const) {
    it(title, async () => {
      const definition = { metadata: { uid: 'd' }, spec: { group: 'example.org', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true }] } };
      const [step] = await planUndo(apiWith({ '/d': definition, '/apis/example.org/v1/things': owned(kind, 'o') }), [{ ...entry('apiextensions.k8s.io', 'customresourcedefinitions', '', '/d', 'd'), after: { metadata: {}, spec: definition.spec } }], signal);
      assert.equal(step!.action, action, step!.why);
    });
  }
});

describe('a volume, when the restore of its claim is undone', () => {
  const claimPath = '/api/v1/namespaces/shop/persistentvolumeclaims/data';
  const volume = (uid?: string): JsonObject => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { uid: 'v', resourceVersion: uid ?? '0' }, spec: { claimRef: { namespace: 'shop', name: 'data', ...(uid !== undefined && { uid }) } } });
  const claim = (uid: string, labels?: JsonObject): JsonObject => ({ metadata: { uid, ...(labels && { labels }) } });
  const released = { before: volume('old') };
  for (const [title, before, now, claimNow, action] of [
    ['is put back where the claim goes', released, volume('c'), claim('c'), 'put-back'],
    ['is put back where the claim is gone', released, volume('c'), undefined, 'put-back'],
    ['is put back where the claim of that name has another volume', released, volume('c'), claim('other'), 'put-back'],
    ['is put back where it stays with its claim', { before: { ...volume('c'), metadata: { uid: 'v', resourceVersion: '1' } } }, volume('c'), claim('c', { changed: 'yes' }), 'put-back'],
    ['stays with a claim that was changed since', released, volume('c'), claim('c', { changed: 'yes' }), 'keep'],
    ['stays with a claim that somebody made again', released, volume('new'), claim('new'), 'keep'],
    ['stays for a claim that will have it', released, volume(), claim('new'), 'keep'],
    ['that came along is removed with its claim', {}, volume('c'), claim('c'), 'remove'],
    ['that came along stays with a claim that was changed since', {}, volume('c'), claim('c', { changed: 'yes' }), 'keep'],
  ] as const) {
    it(title, async () => {
      const entries = [{ ...entry('', 'persistentvolumes', '', '/v', 'v'), after: comparable(volume()), ...before }, { ...entry('', 'persistentvolumeclaims', 'shop', claimPath, 'c'), after: comparable(claim('c')) }];
      const [, step] = await planUndo(apiWith({ '/v': now, [claimPath]: claimNow }), entries, signal);
      assert.equal(step!.action, action, step!.why);
      if (action === 'keep') assert.equal(step!.why, 'persistentvolumeclaims/data in shop has it, and stays');
    });
  }
});
