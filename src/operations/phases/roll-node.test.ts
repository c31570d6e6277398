import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aHost } from '../../../test/support/example-cluster.ts';
import { nodeObject, scriptedApi } from '../../../test/support/scripted-api.ts';
import { systemClock } from '../../lib/clock.ts';
import { comeBack } from './roll-node.ts';

/** Time passes by sleeping alone. */
function work() {
  let now = 0;
  return { clock: { ...systemClock, monotonic: () => now, sleep: async (time: number) => void (now += time) }, signal: new AbortController().signal };
}

const host = aHost({ name: 'w1', roles: ['worker'] });
const withNodes = (...items: readonly object[]) => scriptedApi({ '/api/v1/nodes': { items }, '/apis/certificates.k8s.io/v1/certificatesigningrequests': { items: [] } }).api;

test('a node that was ready has to be again, one that was not may lack its network, and nothing else', async () => {
  const waiting = nodeObject('w1', { ready: 'False', message: 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized' });
  await assert.rejects(comeBack(work(), withNodes(waiting), host, { ready: true }), { code: 'not-healthy', message: /^node w1 is not ready/ });
  await comeBack(work(), withNodes(waiting), host, { ready: false });
  await comeBack(work(), withNodes(waiting), host, undefined);
  await assert.rejects(comeBack(work(), withNodes(nodeObject('w1', { ready: 'False', message: 'PLEG is not healthy' })), host, { ready: false }), { code: 'not-healthy', message: 'node w1 is not ready: PLEG is not healthy' });
  await assert.rejects(comeBack(work(), withNodes(), host, { ready: false }), { code: 'not-healthy', message: 'node w1 is not ready: the cluster does not know it' });
});
