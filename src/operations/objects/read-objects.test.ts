import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceCalled } from '../../objects/find-resource.ts';
import { objectNameOf } from '../../objects/stored-objects.ts';
import { keyOf } from './read-objects.ts';

describe('where an object lies in etcd', () => {
  for (const [kind, namespace, name, key] of [
    ['deploy', 'shop', 'web', '/registry/deployments/shop/web'],
    ['nodes', 'shop', 'worker1', '/registry/minions/worker1'],
    ['role', 'shop', 'größe ✓', Buffer.from('/registry/roles/shop/größe ✓').toString('latin1')],
  ] as const) {
    it(`${kind}/${name}`, () => {
      assert.equal(keyOf(resourceCalled(kind)!, namespace, name), key);
      assert.equal(objectNameOf(key)?.name, name);
    });
  }
});
