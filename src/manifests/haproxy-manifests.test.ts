import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { parseForwardedServices } from './forwarded-service.ts';
import { haproxyManifests, type HaproxyManifests } from './haproxy-manifests.ts';

const made = (words: readonly string[], changes: Partial<HaproxyManifests> = {}) => haproxyManifests({ services: parseForwardedServices(words), namespace: 'kubekeep-haproxy', image: 'example.invalid/haproxy:1', replicas: 2, type: 'ClusterIP', domain: 'cluster.local', ...changes }) as readonly Manifest[];

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly ports: readonly { readonly port: number; readonly targetPort: string }[];
    readonly template: { readonly metadata: { readonly annotations: Readonly<Record<string, string>> }; readonly spec: { readonly containers: readonly [{ readonly ports: readonly { readonly name: string; readonly containerPort: number }[] }] } };
  };
  readonly data: { readonly 'haproxy.cfg': string };
}

const one = (manifests: readonly Manifest[], kind: string) => manifests.find((manifest) => manifest.kind === kind)!;

/** Which pods a connection to a port of the Service comes to, where the Service is of one set of manifests and the HAProxy pod of another. */
function forwardedTo(service: readonly Manifest[], pod: readonly Manifest[], port: number): string | undefined {
  const wanted = one(service, 'Service').spec.ports.find((each) => each.port === port)!.targetPort;
  const found = one(pod, 'Deployment').spec.template.spec.containers[0].ports.find(({ name }) => name === wanted);
  if (!found) return undefined;
  const section = one(pod, 'ConfigMap').data['haproxy.cfg'].split('\n\n').find((text) => text.includes(`bind :${found.containerPort}\n`))!;
  return /^listen (\S+)/.exec(section)![1];
}

// After a change on purpose: npm run fix:golden, then read the difference.
test('the manifests are as in the golden file', (t) => {
  const text = made(['shop/web:8080,listen=80,check=/healthz', 'shop/db:5432,mode=tcp,balance=source,pods=3']).map((manifest) => stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
  t.assert.fileSnapshot(text, join(import.meta.dirname, 'golden', 'haproxy.yaml'), { serializers: [String] });
});

test('while a change is rolled out no connection comes to another service than its own', () => {
  const [before, after] = [made(['shop/web:80', 'shop/db:5432']), made(['shop/new:81', 'shop/db:5432', 'shop/web:80'])];
  for (const [service, pod] of [[before, before], [after, before], [before, after], [after, after]] as const) {
    assert.deepEqual([forwardedTo(service, pod, 80), forwardedTo(service, pod, 5432)], ['shop.web.80', 'shop.db.5432']);
  }
  assert.equal(forwardedTo(after, before, 81), undefined);
});

test('one Service is there at two ports, each with a section of its own', () => {
  const twice = made(['shop/web:8080,listen=80', 'shop/web:8080,listen=8080', 'shop/web:9090']);
  assert.deepEqual([80, 8080, 9090].map((port) => forwardedTo(twice, twice, port)), ['shop.web.80', 'shop.web.8080', 'shop.web.9090']);
  assert.deepEqual([...one(twice, 'ConfigMap').data['haproxy.cfg'].matchAll(/nbsrv\((.*?)\)/g)].map(([, name]) => name), ['shop.web.80', 'shop.web.8080', 'shop.web.9090']);
});

test('the pods are rolled when the configuration changes, and only then', () => {
  const hash = (manifests: readonly Manifest[]) => one(manifests, 'Deployment').spec.template.metadata.annotations['kubekeep.dev/config-sha256'];
  assert.equal(hash(made(['shop/web:80'])), hash(made(['shop/web:80'], { replicas: 5, type: 'NodePort' })));
  assert.notEqual(hash(made(['shop/web:80'])), hash(made(['shop/web:80,check=/'])));
});

test('from outside each node leads to its own pods only: one that is lost takes no connection of the others with it', () => {
  const policy = (type: HaproxyManifests['type']) => (one(made(['shop/web:80'], { type }), 'Service').spec as { readonly externalTrafficPolicy?: string }).externalTrafficPolicy;
  assert.deepEqual([policy('ClusterIP'), policy('NodePort'), policy('LoadBalancer')], [undefined, 'Local', 'Local']);
});

test("a namespace that is somebody else's is not touched", () => {
  assert.deepEqual(made(['shop/web:80'], { namespace: 'shop' }).map(({ kind }) => kind), ['ConfigMap', 'Deployment', 'PodDisruptionBudget', 'Service']);
});
