import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from './json.ts';
import { writtenBy } from './written-by.ts';

// As API servers of 1.37 wrote them.
const created = () => ({ manager: 'kubectl-create', operation: 'Update', apiVersion: 'apps/v1', time: '2026-11-26T11:16:36Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:replicas': {} } });
const controller = (time: string) => ({ manager: 'kube-controller-manager', operation: 'Update', apiVersion: 'apps/v1', subresource: 'status', time, fieldsType: 'FieldsV1', fieldsV1: { 'f:status': {} } });
const scale = { manager: 'kubectl', operation: 'Update', apiVersion: 'apps/v1', subresource: 'scale', fieldsType: 'FieldsV1', fieldsV1: { 'f:replicas': {} } };
const object = (...managedFields: object[]) => ({ metadata: { managedFields } }) as unknown as JsonObject;

describe('who wrote an object', () => {
  for (const [title, before, now, who] of [
    ['the first', undefined, object(created()), 'kubectl-create'],
    ['one who is new there', object(created()), object(created(), controller('2026-11-26T11:16:37Z')), 'kube-controller-manager'],
    ['one with a newer time', object(created(), controller('2026-11-26T11:16:37Z')), object(created(), controller('2026-11-26T11:16:43Z')), 'kube-controller-manager'],
    ['not one who only lost fields', object(created(), controller('2026-11-26T11:16:37Z')), object(scale, { ...created(), fieldsV1: {} }, controller('2026-11-26T11:16:37Z')), 'kubectl'],
    ['one who has a field more in the same second', object(scale, created(), controller('2026-11-26T11:16:36Z')), object(scale, created(), { ...controller('2026-11-26T11:16:36Z'), fieldsV1: { 'f:status': { 'f:replicas': {} } } }), 'kube-controller-manager'],
    ['the only one of the newest second', object(created(), controller('2026-11-26T11:16:37Z')), object(created(), controller('2026-11-26T11:16:37Z')), 'kube-controller-manager'],
    ['nobody of two in one second', object(created(), controller('2026-11-26T11:16:36Z')), object(created(), controller('2026-11-26T11:16:36Z')), undefined],
    ['nobody where who leaves no time may have been it', object(scale, created()), object(scale, created()), undefined],
    ['nobody where nothing says so', undefined, object(), undefined],
  ] as const) {
    it(`is ${title}`, () => assert.equal(writtenBy(now, before), who));
  }

  // What somebody scaled before, a controller has a status and labels of, and a list by keys, by values and by place.
  const managers = [
    { ...scale, fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    { ...controller('2026-11-26T11:16:37Z'), fieldsV1: { 'f:status': { '.': {}, 'f:replicas': {}, 'f:conditions': { '.': {}, 'k:{"type":"Available"}': { '.': {}, 'f:type': {}, 'f:status': {} } } } } },
    { ...created(), time: '2026-11-26T11:16:37Z', fieldsV1: { 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"a"': {} }, 'f:labels': { '.': {} } }, 'f:spec': { 'f:ports': { 'i:1': { 'f:port': {} } }, 'f:selector': {} } } },
  ];
  const whole = (spec: object, status: object, metadata: object = {}) => ({ metadata: { finalizers: ['a'], labels: {}, ...metadata, managedFields: managers }, spec: { replicas: 1, ports: [{ port: 1 }, { port: 2 }], selector: { app: 'web' }, ...spec }, status: { replicas: 1, conditions: [{ type: 'New', status: '?' }, { type: 'Available', status: 'True' }], ...status } }) as unknown as JsonObject;
  for (const [title, before, now, who] of [
    ['whom the field belongs to, also without a time', whole({}, {}), whole({ replicas: 3 }, {}), 'kubectl'],
    ['whom the field of an item belongs to', whole({}, {}), whole({}, { conditions: [{ type: 'Available', status: 'False' }, { type: 'New', status: '?' }] }), 'kube-controller-manager'],
    ['whom an item that moved does not make it', whole({}, {}), whole({ replicas: 3 }, { conditions: [{ type: 'Available', status: 'True' }, { type: 'New', status: '!' }] }), 'kubectl'],
    ['whom what is inside a whole belongs to', whole({}, {}), whole({ selector: { app: 'shop' } }, {}), 'kubectl-create'],
    ['whom the item of a set belongs to', whole({}, {}, { finalizers: [] }), whole({}, {}), 'kubectl-create'],
    ['whom the item at a place belongs to', whole({}, {}), whole({ ports: [{ port: 1 }, { port: 3 }] }, {}), 'kubectl-create'],
    ['not whom only the surroundings belong to', whole({}, {}), whole({ replicas: 3 }, {}, { labels: { a: 'b' } }), 'kubectl'],
    ['nobody where what belongs to two is not the same', whole({}, {}), whole({ replicas: 3 }, { replicas: 3 }), undefined],
  ] as const) {
    it(`is ${title}`, () => assert.equal(writtenBy(now, before), who));
  }
});
