import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import type { JsonObject } from '../../../objects/json.ts';
import { planUndo } from './undo-restore.ts';

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
