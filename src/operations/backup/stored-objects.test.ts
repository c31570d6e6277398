import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countKeys, nameOf, prefixOf } from './stored-objects.ts';

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
