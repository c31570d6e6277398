import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from './json.ts';
import { comparable, manifestOf } from './manifest.ts';

const object = (apiVersion: string, kind: string, fields: JsonObject): JsonObject => ({ apiVersion, kind, metadata: { name: 'one' }, ...fields });

describe('a manifest', () => {
  for (const [apiVersion, kind, fields, left] of [
    ['v1', 'Namespace', { spec: { finalizers: ['kubernetes'] } }, {}],
    ['v1', 'Pod', { spec: { nodeName: 'worker1', hostNetwork: true } }, { spec: { hostNetwork: true } }],
    ['v1', 'Service', { spec: { clusterIP: '10.96.0.7', ports: [{ port: 80, nodePort: 30080 }] } }, { spec: { ports: [{ port: 80 }] } }],
    ['v1', 'PersistentVolume', { spec: { claimRef: { name: 'data', uid: 'u' } } }, { spec: { claimRef: { name: 'data' } } }],
    ['batch/v1', 'Job', { spec: { selector: {}, template: { metadata: { labels: { 'job-name': 'one', 'app': 'a' } } } } }, { spec: { template: { metadata: { labels: { app: 'a' } } } } }],
  ] as const) {
    it(`of a ${kind} is without what Kubernetes filled in`, () => assert.deepEqual(manifestOf(object(apiVersion, kind, fields)), object(apiVersion, kind, left)));
    it(`of a custom resource that is called ${kind} too has all of it`, () => assert.deepEqual(manifestOf(object('example.org/v1', kind, fields)), object('example.org/v1', kind, fields)));
  }

  for (const [kind, fields, others] of [
    ['Secret', { type: 'kubernetes.io/service-account-token', data: { token: 'a' } }, { type: 'kubernetes.io/service-account-token', data: { token: 'b' } }],
    ['PersistentVolumeClaim', { spec: { volumeName: 'disk1' } }, { spec: { volumeName: 'disk2' } }],
    ['Namespace', { spec: { finalizers: ['kubernetes'] } }, {}],
  ] as const) {
    it(`of a ${kind} is compared without what belongs to one life, that of a custom resource with all of it`, () => {
      const [one, other] = [fields, others].map((each) => comparable(object('v1', kind, each)));
      assert.deepEqual(one, other);
      const [custom, another] = [fields, others].map((each) => comparable(object('example.org/v1', kind, each)));
      assert.notDeepEqual(custom, another);
    });
  }
});
