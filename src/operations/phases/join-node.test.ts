import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aHost } from '../../../test/support/example-cluster.ts';
import { nodeObject, scriptedApi } from '../../../test/support/scripted-api.ts';
import { makeRoom } from './join-node.ts';

const w1 = aHost({ name: 'w1', address: '10.0.0.12', roles: ['worker'] });
const { signal } = new AbortController();

test('a machine that joins takes the name of what it was before, or of one that is dead, and of no other that lives', async () => {
  for (const [so, taken] of [[{}, true], [{ address: '10.0.0.99', ready: 'Unknown' }, true], [{ address: '10.0.0.99' }, false]] as const) {
    const { api, changes } = scriptedApi({ '/api/v1/nodes/w1': nodeObject('w1', so) });
    const room = makeRoom({ signal }, api, w1);
    if (taken) await room;
    else await assert.rejects(room, { code: 'host-unfit', message: 'w1 cannot join: the machine at 10.0.0.99 is node w1 of this cluster already' });
    assert.deepEqual(changes, taken ? ['DELETE /api/v1/nodes/w1'] : []);
  }
});
