import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countKeys, nameOf, objectNameOf, prefixOf } from './stored-objects.ts';

describe('where etcd has the objects of an API server', () => {
  for (const [group, resource, custom, prefix] of [
    ['', 'pods', false, 'pods'],
    ['', 'nodes', false, 'minions'],
    ['', 'services', false, 'services/specs'],
    ['apps', 'deployments', false, 'deployments'],
    ['networking.k8s.io', 'ingresses', false, 'ingress'],
    ['apiregistration.k8s.io', 'apiservices', false, 'apiregistration.k8s.io/apiservices'],
    ['example.org', 'nodes', true, 'example.org/nodes'],
  ] as const) it(`${nameOf({ group, resource })} under ${prefix}`, () => assert.equal(prefixOf({ group, resource, custom }), prefix));

  it('counts keys by resource, and those of no resource apart', () => {
    const keys = ['/registry/pods/a/one', '/registry/pods/b/two', '/registry/services/specs/a/one', '/registry/services/endpoints/a/one', '/registry/example.org/things/a/one', '/registry/gone.example/things/a/one', '/registry/masterleases/10.0.0.1', '/registry/ranges/serviceips', 'compact_rev_key', '/other/pods/x'];
    const { known, others } = countKeys(keys, new Set(['pods', 'services/specs', 'services/endpoints', 'example.org/things', 'example.org/others']));
    assert.deepEqual([...known], [['pods', 2], ['services/specs', 1], ['services/endpoints', 1], ['example.org/things', 1]]);
    assert.deepEqual([...others], [['gone.example', 1]]);
  });
});

describe('the name of an object by its key', () => {
  for (const [key, expected] of [
    ['/registry/pods/shop/web-1', ['pods', 'shop', 'web-1']],
    ['/registry/minions/worker1', ['nodes', '', 'worker1']],
    ['/registry/services/specs/shop/web', ['services', 'shop', 'web']],
    ['/registry/services/endpoints/shop/web', ['endpoints', 'shop', 'web']],
    ['/registry/controllers/shop/old', ['replicationcontrollers', 'shop', 'old']],
    ['/registry/deployments/shop/web', ['deployments.apps', 'shop', 'web']],
    ['/registry/apiregistration.k8s.io/apiservices/v1.apps', ['apiservices.apiregistration.k8s.io', '', 'v1.apps']],
    ['/registry/apiextensions.k8s.io/customresourcedefinitions/things.example.org', ['customresourcedefinitions.apiextensions.k8s.io', '', 'things.example.org']],
    ['/registry/example.org/things/shop/one', ['things.example.org', 'shop', 'one']],
    ['/registry/example.org/things/one', ['things.example.org', '', 'one']],
    ['/registry/roles/shop/gr\xc3\xb6\xc3\x9fe', ['roles.rbac.authorization.k8s.io', 'shop', 'größe']],
    ['/registry/clusterroles/\xe2\x9c\x93 all:read', ['clusterroles.rbac.authorization.k8s.io', '', '✓ all:read']],
    ['/registry/workloads/shop/new', ['workloads', 'shop', 'new']],
    ['/registry/ranges/servicenodeports', undefined],
    ['/registry/masterleases/10.0.0.1', undefined],
    ['/registry/pods/shop/a/b', undefined],
    ['compact_rev_key', undefined],
    ['/registry/', undefined],
  ] as const) it(`${key}: ${expected?.join(' ') ?? 'none'}`, () => {
    const name = objectNameOf(key);
    assert.deepEqual(name && [nameOf(name), name.namespace, name.name], expected);
  });
});
