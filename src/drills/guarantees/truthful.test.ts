import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { began, evidence, holding, mark, refused, registerLane, request, unanswered, writeLane } from '../../../test/support/drill-evidence.ts';
import type { DrillRecord, Lane } from '../history/record.ts';
import { truthful } from './truthful.ts';

const oneServer: Lane = { ...writeLane, name: 'read, cp1', workload: 'read', door: 'API server cp1' };
const lanes = began([writeLane, registerLane, oneServer, { ...registerLane, name: 'registers anew', connection: 'new' }]);
const fault = [mark('fault begins', 2000), mark('healthy', 6000)];
const writes = Array.from({ length: 100 }, (_, turn) => request('create', turn * 100, { lane: 'write', object: `o${turn}` }));
const sound: readonly DrillRecord[] = [lanes, ...fault, ...writes, ...holding('cp1', 0, 10_000, true), ...holding('cp2', 7, 10_000, false)];
const lateFailure = unanswered('get', 7000, { lane: 'read, cp1', error: 'ECONNREFUSED', outcome: 'refused' });
const withoutHolder = sound.map((one) => (one.kind === 'sample' && one.at > 7000 && one.at < 7500 ? { ...one, holdsVip: false } : one));

const cases: readonly (readonly [title: string, state: string, records: readonly DrillRecord[]])[] = [
  ['every request succeeds from then on', 'held', sound],
  ['failures while the fault was in', 'held', [...sound, unanswered('create', 3000, { lane: 'write' }), { ...lateFailure, due: 5000 }]],
  ['a failure on a connection that was kept from before', 'held', [...sound, unanswered('get', 7000)]],
  ['a conflict of registers', 'held', [...sound, refused('update', 7000, { lane: 'registers anew' })]],
  ['failures in the next fault', 'held', [...sound, mark('fault begins', 8000), unanswered('create', 9000, { lane: 'write' })]],
  ['a write that fails', 'broken', [...sound, unanswered('create', 7000, { lane: 'write' })]],
  ['a write that was due then and fails late', 'broken', [...sound, unanswered('create', 7000, { lane: 'write', ended: 17_000 })]],
  ['an API server that refuses connections', 'broken', [...sound, lateFailure]],
  ['a VIP that nobody has', 'broken', withoutHolder],
  ['a VIP that two have', 'broken', [...sound, ...holding('cp3', 7000, 7500, true)]],
  ['a failure between two faults', 'broken', [...sound, mark('fault begins', 8000), mark('healthy', 9000), lateFailure]],
  ['it was never called healthy', 'unknown', sound.filter((one) => one.kind !== 'mark' || one.what !== 'healthy')],
  ['nobody asked then', 'unknown', sound.filter((one) => one.kind !== 'request' || one.due < 6000)],
  ['an empty history', 'unknown', []],
];

describe('C-truth', () => {
  for (const [title, state, records] of cases) test(`${state}: ${title}`, () => assert.equal(truthful(evidence(records)).state, state));

  test('names the request and why it failed', () => {
    assert.deepEqual(truthful(evidence([...sound, lateFailure])).breaches, ['get of "r" by lane "read, cp1" (7.000 s to 7.010 s) failed (ECONNREFUSED) after the cluster was called healthy']);
    assert.match(truthful(evidence(withoutHolder)).breaches[0]!, /^no host had the VIP for 4\d\d ms after the cluster was called healthy at 6\.000 s$/);
  });
});
