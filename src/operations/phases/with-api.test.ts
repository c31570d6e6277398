import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiStandIns, type ApiStandIn } from '../../../test/support/api-stand-ins.ts';
import { builtCluster, withHost, withoutHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import { withApi } from './with-api.ts';

const built = await builtCluster('T3');
const down = (name: string, from: SeenCluster = built) => withHost(from, name, () => ({ apiServer: { live: false, ready: false } }));

/** Whose API server is spoken with where those that the plan saw do this now, and how many seconds that took by a clock that only waiting moves. */
async function spokenWith(seen: SeenCluster, servers: Readonly<Record<string, ApiStandIn>>): Promise<{ readonly host: string; readonly seconds: number; readonly asked: readonly string[] }> {
  using apis = await apiStandIns(servers);
  let passed = 0;
  const clock = { now: Date.now, monotonic: () => passed, sleep: async (ms: number) => void (passed += Math.max(ms, 30_000)) };
  const host = await withApi({ cluster: seen.cluster, hosts: apis.hosts, clock, signal: new AbortController().signal, prepared: { facts: seen.facts, opened: apis } }, async (_, { name }) => name);
  return { host, seconds: passed / 1000, asked: apis.asked };
}

describe('an API server that is spoken with', () => {
  test('is one that was seen to be ready, though the first host answers', async () => {
    assert.deepEqual(await spokenWith(down('cp1'), { cp1: 'not ready', cp2: {}, cp3: {} }), { host: 'cp2', seconds: 0, asked: ['cp2 /readyz'] });
  });

  test('is the next where that has died meanwhile', async () => {
    assert.deepEqual(await spokenWith(built, { cp1: 'dead', cp2: 'not ready', cp3: {} }), { host: 'cp3', seconds: 0, asked: ['cp2 /readyz', 'cp3 /readyz'] });
  });

  test('is any of a host that answers where none was ready, as in a cluster that is being built', async () => {
    assert.equal((await spokenWith(withoutHost(down('cp2', down('cp3')), 'cp1'), { cp2: 'dead', cp3: {} })).host, 'cp3');
  });

  test('is waited for in vain where none is ready, which is said with the reason of each', async () => {
    await assert.rejects(spokenWith(withoutHost(built, 'cp1'), { cp2: 'dead', cp3: 'not ready' }), { code: 'not-healthy', message: /^no API server is ready after 120 s: cp2: API server kubernetes: GET \/readyz\?verbose: .*ENOENT.*; cp3: not ready \(etcd\)$/ });
  });

  test('is none where no host of the control plane answers', async () => {
    const none = ['cp1', 'cp2', 'cp3'].reduce(withoutHost, built);
    await assert.rejects(spokenWith(none, {}), { code: 'host-unreachable' });
  });
});
