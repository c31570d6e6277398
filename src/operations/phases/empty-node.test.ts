import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeObject, scriptedApi } from '../../../test/support/scripted-api.ts';
import { systemClock } from '../../lib/clock.ts';
import { silent } from '../../lib/progress.ts';
import { cordonedAnnotation, readNode } from '../look-at-nodes.ts';
import { uncordon } from './drain.ts';
import { emptyNode } from './empty-node.ts';

const { signal } = new AbortController();
const noted = { [cordonedAnnotation]: 'apply' };
const evicted = 'POST /api/v1/namespaces/shop/pods/web/eviction';

/** What is changed by emptying a node that is so, without bodies but of nodes, and whether it is to be opened then. */
async function emptied(so: Parameters<typeof nodeObject>[1], reopens: boolean): Promise<{ readonly opens: boolean; readonly changes: readonly string[] }> {
  const pods = { items: [{ metadata: { namespace: 'shop', name: 'web' }, status: { phase: 'Running' } }] };
  const { api, changes } = scriptedApi({ '/api/v1/nodes/w1': nodeObject('w1', so), '/api/v1/pods': pods });
  const node = (await readNode(api, 'w1', signal))!;
  const opens = await emptyNode({ clock: { ...systemClock, sleep: async () => {} }, signal, progress: silent }, api, 'w1', { node, reopens });
  return { opens, changes: changes.map((line) => line.replace(/ \{"apiVersion.*/, '')) };
}

describe('a node that is emptied', () => {
  test('is noted as closed by this before its pods go, and is opened again', async () => {
    const closed = `PATCH /api/v1/nodes/w1 ${JSON.stringify({ metadata: { annotations: noted }, spec: { unschedulable: true } })}`;
    assert.deepEqual(await emptied({}, true), { opens: true, changes: [closed, evicted] });
  });

  test('stays closed where somebody else has closed it', async () => {
    assert.deepEqual(await emptied({ unschedulable: true }, true), { opens: false, changes: [evicted] });
  });

  test('is opened again where a run that was cut has closed it', async () => {
    assert.deepEqual(await emptied({ unschedulable: true, annotations: noted }, true), { opens: true, changes: [evicted] });
  });

  test('has no note where it leaves', async () => {
    assert.deepEqual((await emptied({}, false)).changes, ['PATCH /api/v1/nodes/w1 {"spec":{"unschedulable":true}}', evicted]);
  });
});

test('a node that is opened loses the note with it', async () => {
  const { api, changes } = scriptedApi({});
  await uncordon(api, 'w1');
  assert.deepEqual(changes, [`PATCH /api/v1/nodes/w1 ${JSON.stringify({ metadata: { annotations: { [cordonedAnnotation]: null } }, spec: { unschedulable: null } })}`]);
});
