import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiStandIns, type ApiStandIn } from '../../../test/support/api-stand-ins.ts';
import { builtCluster, freshCluster, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import { systemClock } from '../../lib/clock.ts';
import { readManifest } from './read-manifest.ts';
import { objectsToApply } from './write-manifests.ts';

const config = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { said: 'so' } });
const manifest = readManifest('app.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [config('there'), config('new')] }));
/** An API that has the one and not the other. */
const knows = { '/api/v1': { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true }] }, '/api/v1/namespaces/default/configmaps/there': config('there') };

async function counted({ cluster, facts }: SeenCluster, servers: Readonly<Record<string, ApiStandIn>>): Promise<number> {
  using apis = await apiStandIns(servers);
  return await objectsToApply({ cluster, hosts: apis.hosts, clock: systemClock, signal: new AbortController().signal, prepared: { facts, opened: apis } }, [manifest]);
}

describe('objects of a manifest that are to be applied', () => {
  test('are those that are not so already, also where the API server of the first host is down', async () => {
    const built = withHost(await builtCluster('T3'), 'cp1', () => ({ apiServer: { live: false, ready: false } }));
    assert.equal(await counted(built, { cp1: 'dead', cp2: knows, cp3: knows }), 1);
  });

  test('are all where there is nobody to ask yet', async () => {
    assert.equal(await counted(freshCluster('T3'), { cp1: 'dead', cp2: 'dead', cp3: 'dead' }), 2);
  });
});
