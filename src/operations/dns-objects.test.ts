import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corefileHash, dnsObjects } from './dns-objects.ts';

/** In the form and the order in which kubeadm prints them. */
const printed = `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: coredns, namespace: kube-system }
spec: { replicas: 9, paused: true }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: coredns, namespace: kube-system }
data: { Corefile: '.:53 { ready }' }
---
apiVersion: v1
kind: Service
metadata: { name: kube-dns, namespace: kube-system, resourceVersion: "0", annotations: { kept: "yes" } }
spec: { clusterIP: 10.96.0.10 }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: system:coredns }
`;

const objects = dnsObjects(printed, { told: 'so', replicas: 3 });

test('what kubeadm prints is put where the API has it: the Service before all, the Deployment after all', () => {
  assert.deepEqual(objects.map(({ path }) => path), [
    '/api/v1/namespaces/kube-system/services/kube-dns',
    '/api/v1/namespaces/kube-system/configmaps/coredns',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:coredns',
    '/apis/apps/v1/namespaces/kube-system/deployments/coredns',
  ]);
});

test('each says what it was made with, and the Deployment has as many pods as there were', () => {
  assert.deepEqual(objects[0]!.object.metadata.annotations, { 'kept': 'yes', 'kubekeep.dev/dns': 'so' });
  assert.deepEqual(objects[3]!.object.spec, { replicas: 3, paused: true });
});

test('a Corefile that was changed is told from one that was not', () => {
  const { object } = objects[1]!;
  assert.equal(object.metadata.annotations?.['kubekeep.dev/corefile'], corefileHash({ data: { Corefile: '.:53 { ready }' } }));
  assert.notEqual(corefileHash({ data: { Corefile: '.:53 { ready log }' } }), corefileHash(object));
  assert.notEqual(corefileHash({ data: { 'Corefile': '.:53 { ready }', 'more.db': '' } }), corefileHash(object));
});
