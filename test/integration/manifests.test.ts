import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '../../src/clients/kubernetes/api-error.ts';
import { forwardedServiceForm, parseForwardedServices } from '../../src/manifests/forwarded-service.ts';
import { inClusterConfig } from '../../src/manifests/haproxy-config.ts';
import { haproxyManifests, type HaproxyManifests } from '../../src/manifests/haproxy-manifests.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { checkManifests } from '../../src/operations/manifests/check-manifests.ts';
import { lookAtManifests, recordManifests } from '../../src/operations/manifests/manifest-record.ts';
import { readManifest } from '../../src/operations/manifests/read-manifest.ts';
import { writeObjects } from '../../src/operations/manifests/write-manifests.ts';
import { haproxySays } from '../support/haproxy-says.ts';
import { startOwnApi, type OwnApi } from '../support/real-api-server.ts';

const every = ['shop/a:80', 'shop/a:80,listen=8080', 'shop/b:81,mode=tcp,balance=source', 'shop/c:82,check=/healthz?a=1&b=%20', 'shop/d:83,mode=tcp,check=/,balance=random-2', 'shop/e:84,balance=roundrobin,pods=1000', `${'n'.repeat(63)}/${'s'.repeat(63)}:65535,listen=1,pods=1`];

describe('HAProxy itself takes the configuration', () => {
  for (const words of [...every.map((word) => [word]), every]) {
    test(`${words.length === 1 ? words[0]!.replaceAll(/(.)\1{9,}/g, '$1…') : 'all at once'}`, async () => {
      assert.equal(await haproxySays(inClusterConfig(parseForwardedServices(words), { domain: 'cluster.local' })), 'Configuration file is valid\n');
    });
  }

  test('and refuses another', async () => {
    assert.match(await haproxySays(inClusterConfig(parseForwardedServices(['shop/a:80']), { domain: 'cluster.local' }).replace('leastconn', 'most')), /unknown balancing algorithm|balance/);
  });

  test('the form that is shown names every option', () => {
    for (const option of ['listen', 'mode', 'check', 'balance', 'pods']) assert.ok(forwardedServiceForm.includes(`${option}=`), option);
  });
});

/** Not in the order in which it has to be made. */
const plugin = (setting: string) => `apiVersion: plugin.test/v1
kind: Route
metadata: { name: first, namespace: plugin }
spec: { to: here }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: plugin }
data: { ${setting} }
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata:
    name: plugin
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: { name: routes.plugin.test }
  spec:
    group: plugin.test
    scope: Namespaced
    names: { plural: routes, kind: Route }
    versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, x-kubernetes-preserve-unknown-fields: true } } } } }]
---
`;

describe('a real API server takes the manifests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubekeep-manifests-'));
  let own: OwnApi;

  before(async () => {
    own = await startOwnApi(folder);
  });
  after(async () => {
    await own[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const paths: Readonly<Record<string, string>> = { Namespace: '/api/v1/namespaces', ConfigMap: '/api/v1/namespaces/N/configmaps', Deployment: '/apis/apps/v1/namespaces/N/deployments', PodDisruptionBudget: '/apis/policy/v1/namespaces/N/poddisruptionbudgets', Service: '/api/v1/namespaces/N/services' };
  const never = new AbortController().signal;
  const checked = async (text: string) => checkManifests(own.api, [readManifest('plugin.yaml', text)], never);

  test('a manifest of the user is asked about as a whole, applied in order, and then the same', async () => {
    const objects = await checked(plugin('yes: "1"'));
    assert.deepEqual(objects.map(({ called, same }) => `${called} ${same}`), ['CustomResourceDefinition routes.plugin.test false', 'Namespace plugin false', 'ConfigMap plugin/settings false', 'Route plugin/first false']);
    assert.equal(await own.api.get('/api/v1/namespaces/plugin').then(() => 'there', () => 'not there'), 'not there');
    await writeObjects(own.api, objects, { clock: systemClock, signal: never });
    await recordManifests(own.api, objects);
    await recordManifests(own.api, objects);
    assert.deepEqual((await checked(plugin('yes: "1"'))).map(({ same }) => same), [true, true, true, true]);
    assert.deepEqual((await checked(plugin('yes: "2"'))).map(({ same }) => same), [true, true, false, true]);
    assert.deepEqual(await lookAtManifests(own.api, never), [{ file: 'plugin.yaml', gone: [] }]);
    await own.api.delete('/api/v1/namespaces/plugin/configmaps/settings');
    assert.deepEqual(await lookAtManifests(own.api, never), [{ file: 'plugin.yaml', gone: ['ConfigMap plugin/settings'] }]);
  });

  for (const [title, text, says] of [
    ['a field that is not known, in a namespace that comes', plugin('yes: "1"').replace('  name: plugin', '  name: later').replaceAll('namespace: plugin', 'namespace: later').replace('\ndata:', '\ndate:'), /^plugin\.yaml: ConfigMap later\/settings: .*\.date: field not declared in schema/],
    ['a kind that nobody defines', 'apiVersion: plugin.test/v9\nkind: Road\nmetadata: { name: one }', /^plugin\.yaml: Road one: the API has no Road in plugin\.test\/v9$/],
    ['a namespace that is not there', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one, namespace: nowhere }', /^plugin\.yaml: ConfigMap nowhere\/one: namespaces "nowhere" not found$/],
  ] as const) {
    test(`a manifest of the user is refused with file, object and reason: ${title}`, async () => {
      await assert.rejects(checked(text), (error: Error) => says.test(error.message) || assert.fail(error.message));
    });
  }

  type Manifest = { readonly kind: string; readonly metadata: { readonly namespace?: string } };
  const manifests = (type: HaproxyManifests['type']) => haproxyManifests({ services: parseForwardedServices(every), namespace: 'kubekeep-haproxy', image: 'example.invalid/haproxy:1', replicas: 2, type, domain: 'cluster.local' }) as readonly Manifest[];
  // Unknown and doubled fields are errors, and the namespace's own pod security says no to what is not restricted.
  const send = (manifest: Manifest, query: string) => own.api.post(`${paths[manifest.kind]!.replace('/N/', `/${manifest.metadata.namespace!}/`)}?fieldValidation=Strict${query}`, manifest);

  for (const type of ['ClusterIP', 'NodePort', 'LoadBalancer'] as const) {
    test(`Service of type ${type}`, async () => {
      for (const manifest of manifests(type)) await send(manifest, manifest.kind === 'Namespace' && type === 'ClusterIP' ? '' : '&dryRun=All').catch((error: unknown) => assert.ok(manifest.kind === 'Namespace' && error instanceof ApiError && error.status === 409, String(error)));
    });
  }

  test('its pods are as restricted as the namespace asks for', async () => {
    const { spec } = manifests('ClusterIP').find(({ kind }) => kind === 'Deployment') as unknown as { spec: { template: { spec: { containers: object[]; securityContext: object } } } };
    const pod = (podSpec: object) => own.api.post('/api/v1/namespaces/kubekeep-haproxy/pods?fieldValidation=Strict&dryRun=All', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' }, spec: podSpec });
    await own.api.post('/api/v1/namespaces/kubekeep-haproxy/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }).catch(() => {});
    await pod(spec.template.spec);
    await assert.rejects(pod({ ...spec.template.spec, securityContext: {} }), (error) => error instanceof ApiError && error.status === 403 && /violates PodSecurity/.test(error.message));
  });
});
