import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeObject, scriptedApi } from '../../../test/support/scripted-api.ts';
import { systemClock } from '../../lib/clock.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { cordonedAnnotation, readNode } from '../look-at-nodes.ts';
import { uncordon } from './drain.ts';
import { emptyNode } from './empty-node.ts';

const { signal } = new AbortController();
const noted = { [cordonedAnnotation]: 'apply' };
const evicted = 'POST /api/v1/namespaces/shop/pods/web/eviction';

const owned = { ownerReferences: [{ kind: 'ReplicaSet', controller: true }] };

interface PodObject {
  readonly metadata: { readonly namespace: string; readonly name: string } & Readonly<Record<string, unknown>>;
  readonly status: { readonly phase: string };
}

function pod(name: string, metadata: object = owned, phase = 'Running'): PodObject {
  return { metadata: { namespace: 'shop', name, ...metadata }, status: { phase } };
}

interface Emptying {
  readonly so?: Parameters<typeof nodeObject>[1];
  readonly reopens?: boolean;
  readonly pods?: readonly PodObject[];
  readonly deleteLonePods?: boolean;
}

/** What is changed by emptying a node that is so, without bodies but of nodes, what is told, and whether it is to be opened then; or the error. */
async function emptied({ so = {}, reopens = true, pods = [pod('web')], deleteLonePods }: Emptying): Promise<{ readonly opens: boolean | KubekeepError; readonly changes: readonly string[]; readonly told: readonly string[] }> {
  const { api, changes } = scriptedApi({ '/api/v1/nodes/w1': nodeObject('w1', so), '/api/v1/pods': { items: pods } });
  const node = (await readNode(api, 'w1', signal))!;
  const told: string[] = [];
  const work = { clock: { ...systemClock, sleep: async () => {} }, signal, progress: ({ title }: { readonly title: string }) => void told.push(title), deleteLonePods };
  const opens = await emptyNode(work, api, 'w1', { node, reopens }).catch((error: unknown) => {
    if (error instanceof KubekeepError) return error;
    throw error;
  });
  return { opens, changes: changes.map((line) => line.replace(/ \{"apiVersion.*/, '')), told };
}

describe('a node that is emptied', () => {
  test('is noted as closed by this before its pods go, and is opened again', async () => {
    const closed = `PATCH /api/v1/nodes/w1 ${JSON.stringify({ metadata: { annotations: noted }, spec: { unschedulable: true } })}`;
    assert.deepEqual(await emptied({}), { opens: true, changes: [closed, evicted], told: ['a pod moves to other workers'] });
  });

  test('stays closed where somebody else has closed it', async () => {
    const { opens, changes } = await emptied({ so: { unschedulable: true } });
    assert.deepEqual([opens, changes], [false, [evicted]]);
  });

  test('is opened again where a run that was cut has closed it', async () => {
    const { opens, changes } = await emptied({ so: { unschedulable: true, annotations: noted } });
    assert.deepEqual([opens, changes], [true, [evicted]]);
  });

  test('has no note where it leaves', async () => {
    assert.deepEqual((await emptied({ reopens: false })).changes, ['PATCH /api/v1/nodes/w1 {"spec":{"unschedulable":true}}', evicted]);
  });
});

describe('pods that no controller makes again', () => {
  const lone = [pod('by-hand', {}), pod('helped', { ownerReferences: [{ kind: 'Database' }] })];

  test('keep their node as it is, also beside pods that have one', async () => {
    const { opens, changes } = await emptied({ pods: [pod('web'), ...lone] });
    assert.deepEqual(changes, []);
    assert.ok(opens instanceof KubekeepError && opens.code === 'needs-confirmation');
    assert.equal(opens.message, 'w1 keeps its pods: pods shop/by-hand, shop/helped have no controller, so nothing would make them again elsewhere');
    assert.match(opens.hint!, /kubekeep kubectl -- delete pod -n shop by-hand.*With --delete-lone-pods that command deletes them/);
    const many = (await emptied({ pods: ['a', 'b', 'c', 'd', 'e'].map((name) => pod(name, {})) })).opens;
    assert.match(String(many), /pods shop\/a, shop\/b, shop\/c and 2 more have no controller/);
  });

  test('go where somebody has said so, and are named', async () => {
    const { changes, told } = await emptied({ pods: lone, deleteLonePods: true });
    assert.equal(changes.filter((line) => line.endsWith('/eviction')).length, 2);
    assert.equal(told[0], 'deleted for good, since no controller makes them again: shop/by-hand, shop/helped');
  });

  test('hold nothing up where nothing is lost with them', async () => {
    const pods = [pod('web'), pod('static', { annotations: { 'kubernetes.io/config.mirror': 'x' } }), pod('done', {}, 'Succeeded'), pod('failed', {}, 'Failed'), pod('ending', { deletionTimestamp: '2026-11-27T07:00:00Z' })];
    assert.equal((await emptied({ pods })).opens, true);
  });

  test('are not asked about where the node is dead', async () => {
    assert.equal((await emptied({ so: { ready: 'Unknown' }, pods: lone })).opens, true);
  });
});

test('a node that is opened loses the note with it', async () => {
  const { api, changes } = scriptedApi({});
  await uncordon(api, 'w1');
  assert.deepEqual(changes, [`PATCH /api/v1/nodes/w1 ${JSON.stringify({ metadata: { annotations: { [cordonedAnnotation]: null } }, spec: { unschedulable: null } })}`]);
});
