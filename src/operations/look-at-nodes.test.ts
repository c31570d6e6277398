import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiStandIns, type ApiStandIn } from '../../test/support/api-stand-ins.ts';
import { aService, cluster } from '../../test/support/example-cluster.ts';
import { nodeObject, scriptedApi } from '../../test/support/scripted-api.ts';
import { builtCluster } from '../../test/support/seen-cluster.ts';
import { systemClock } from '../lib/clock.ts';
import { lookAtNodes, readAll, requestsPath } from './look-at-nodes.ts';

const { signal } = new AbortController();
const record = '/api/v1/namespaces/kube-system/configmaps/kubekeep-manifests';
const things = [['/apis/away.example/v1/things/a', 'Thing a'], ['/api/v1/namespaces/shop', 'Namespace shop'], ['/api/v1/namespaces/gone', 'Namespace gone']].map(([path, called]) => ({ path, called }));
const answers = {
  '/api/v1/nodes': { items: [nodeObject('w1')] },
  [requestsPath]: { items: [] },
  '/api/v1/services': { items: [] },
  [record]: { data: { 'app.yaml': JSON.stringify(things) } },
  '/api/v1/namespaces/shop': {},
};
const known = async (changes: Readonly<Record<string, object | number>>) => readAll(scriptedApi({ ...answers, ...changes }).api, { ...cluster, services: [aService()] }, signal);

describe('what the API servers know', () => {
  test('is read whole where one object of a manifest is of a kind that nobody answers for, and that one is not gone', async () => {
    const { nodes, dns, manifests, services, unread } = await known({ '/apis/away.example/v1/things/a': 503 });
    assert.deepEqual([[...nodes!.nodes.keys()], dns?.config, services?.has('shop'), unread], [['w1'], false, true, []]);
    assert.deepEqual(manifests, [{ file: 'app.yaml', gone: ['Namespace gone'] }]);
  });

  test('is not known where it is not answered, which is told and takes nothing from the others', async () => {
    const { nodes, dns, manifests, services, unread } = await known({ '/api/v1/namespaces/kube-system/configmaps/coredns': 500, [record]: 503 });
    assert.deepEqual([nodes?.nodes.size, dns, manifests, services?.size], [1, undefined, undefined, 1]);
    assert.deepEqual(unread?.map((line) => line.split(': ')[0]), ['nothing is known of DNS for pods', 'nothing is known of manifests']);
    assert.equal((await known({ '/api/v1/nodes': 500 })).nodes, undefined);
  });
});

describe('who is asked what the API servers know', () => {
  const seen = builtCluster('T3', 1);
  const asked = async (servers: Readonly<Record<string, ApiStandIn>>) => {
    using apis = await apiStandIns(servers);
    const { cluster: three, facts } = await seen;
    // Not without await: nobody would be there any more.
    return await lookAtNodes({ cluster: three, hosts: apis.hosts, clock: systemClock, signal }, facts, apis.secrets);
  };

  test('is the next where the first that was seen to be ready has died since', async () => {
    const { nodes, unread } = await asked({ cp1: 'dead', cp2: answers, cp3: 'dead' });
    assert.deepEqual([[...nodes!.nodes.keys()], unread], [['w1'], []]);
  });

  test('is nobody where all have, and why is said', async () => {
    const { nodes, unread } = await asked({ cp1: 'dead', cp2: 'not ready', cp3: 'dead' });
    assert.equal(nodes, undefined);
    assert.match(unread!.join('\n'), /^nothing is known of nodes and services: no API server is ready; cp1: .*; cp2: not ready \(etcd\); cp3: /);
  });
});
