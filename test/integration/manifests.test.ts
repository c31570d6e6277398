import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '../../src/clients/kubernetes/api-error.ts';
import { forwardedServiceForm, parseForwardedServices } from '../../src/manifests/forwarded-service.ts';
import { inClusterConfig } from '../../src/manifests/haproxy-config.ts';
import { haproxyManifests, type HaproxyManifests } from '../../src/manifests/haproxy-manifests.ts';
import { haproxySays } from '../support/haproxy-says.ts';
import { startOwnApi, type OwnApi } from '../support/real-api-server.ts';

const every = ['shop/a:80', 'shop/b:81,mode=tcp,balance=source', 'shop/c:82,check=/healthz?a=1&b=%20', 'shop/d:83,mode=tcp,check=/,balance=random-2', 'shop/e:84,balance=roundrobin,pods=1000', `${'n'.repeat(63)}/${'s'.repeat(63)}:65535,listen=1,pods=1`];

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
