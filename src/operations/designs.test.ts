import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtCluster, freshCluster, opened, type SeenCluster } from '../../test/support/seen-cluster.ts';
import { designsOf } from './designs.ts';

function routerIds({ cluster, facts }: SeenCluster, takenRouterIds: readonly number[]): readonly number[] {
  return [...designsOf(cluster, { ...facts, takenRouterIds }, opened).values()].flatMap((components) => {
    const file = components.flatMap(({ files }) => files).find(({ path }) => path.endsWith('keepalived.conf'));
    const id = file && 'content' in file && /virtual_router_id (\d+)/.exec(String(file.content))?.[1];
    return id ? [Number(id)] : [];
  });
}

test('a new cluster takes the next VRRP id that nobody else was heard with, on all balancers', () => {
  const fresh = freshCluster('T3');
  const [own] = routerIds(fresh, []) as [number];
  assert.deepEqual(routerIds(fresh, [own === 1 ? 2 : own - 1]), [own, own, own]);
  const next = (own % 254) + 1;
  const free = (next % 254) + 1;
  assert.deepEqual(routerIds(fresh, [own, next]), [free, free, free]);
});

test('a cluster that has one keeps it, whoever is heard with it later', async () => {
  assert.deepEqual(routerIds(await builtCluster('T3'), [51]), [51, 51, 51]);
});
