import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { builtCluster, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import { stateFolder, type StateFolder } from '../state.ts';
import { endedBy, keepFinished, keepUnfinished, lastRestore, recordText, refuseUnfinishedRestore, unfinishedRestore, type RestoreRecord } from './restore-record.ts';

const built = await builtCluster('T3');
const record = (begun: string, more: Partial<RestoreRecord> = {}): RestoreRecord => ({ id: begun.replaceAll(/[-:]/g, ''), attempt: 1, kind: 'restore', at: 'base:3', point: { base: 3, revision: 7, time: 1, timeline: 'a:0' }, floor: 1_000_000_007, begun, rotateTokens: false, opened: false, ...more });
const [early, late] = [record('2026-11-26T05:00:00Z'), record('2026-11-26T06:00:00Z', { kind: 'roll-back', undoes: '20261126T050000Z' })];

describe('the record of a restore', () => {
  let folder: string;
  let state: StateFolder;
  const onHost = (one: RestoreRecord) => withHost(built, 'cp2', () => ({ restoring: recordText(one) })).facts;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-record-'));
    state = stateFolder(folder, 'prod');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is none at first, and nothing is refused', async () => {
    assert.equal(await unfinishedRestore(state, built.facts), undefined);
    await refuseUnfinishedRestore(state, built.facts);
  });

  it('is found in the folder or on a host, and refuses what changes the cluster', async () => {
    assert.deepEqual(await unfinishedRestore(state, onHost(early)), early);
    await keepUnfinished(state, early);
    assert.deepEqual(await unfinishedRestore(state, built.facts), early);
    await assert.rejects(refuseUnfinishedRestore(state, built.facts), { code: 'restore-unfinished', message: /a restore of revision 7/, hint: /--at base:3 finishes it/ });
  });

  it('is the one that was begun last, as far as it has come', async () => {
    await keepUnfinished(state, late);
    assert.deepEqual(await unfinishedRestore(state, onHost(early)), late);
    assert.deepEqual(await unfinishedRestore(state, onHost({ ...late, opened: true })), { ...late, opened: true });
    // A later attempt is made only where no client has seen the one before.
    await keepUnfinished(state, { ...late, opened: true });
    assert.deepEqual(await unfinishedRestore(state, onHost({ ...late, attempt: 2 })), { ...late, attempt: 2 });
  });

  it('is the last one once it is finished', async () => {
    await keepUnfinished(state, early);
    await keepFinished(state, early);
    assert.equal(await unfinishedRestore(state, built.facts), undefined);
    assert.deepEqual(await lastRestore(state), early);
  });

  it('is not believed where it is over: by a host that was away, or by a computer on which it was killed', async () => {
    const others = (facts: SeenCluster, ids: readonly string[]) => withHost(facts, 'cp1', () => ({ endedRestores: ids })).facts;
    const cp3 = withHost(built, 'cp3', () => ({ restoring: recordText(early) }));
    assert.deepEqual(await unfinishedRestore(state, others(cp3, ['another'])), early);
    assert.equal(await unfinishedRestore(state, others(cp3, endedBy(early))), undefined);
    await keepUnfinished(state, early);
    assert.equal(await unfinishedRestore(state, others(built, endedBy(late))), undefined, 'a roll-back ends what it undoes');
    await refuseUnfinishedRestore(state, others(cp3, endedBy(late)));
    // Nobody but this computer remembers.
    await keepFinished(state, late);
    assert.equal(await unfinishedRestore(state, cp3.facts), undefined);
  });

  it('that cannot be read is not passed over', async () => {
    await keepUnfinished(state, early);
    await writeFile(join(state.path, 'restore-unfinished.json'), '{}');
    await assert.rejects(unfinishedRestore(state, built.facts), { code: 'state-broken' });
  });
});
