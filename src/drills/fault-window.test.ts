import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { clusterOf } from '../../test/support/seen-cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { throughTheFault } from './fault-window.ts';
import type { Aim, Fault } from './faults/fault.ts';
import type { DrillRecord } from './history/record.ts';
import type { Stage } from './stage.ts';

describe('a run of a fault', () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'kubekeep-test-'))));
  after(() => rm(folder, { recursive: true }));

  const unreachable = () => Promise.reject(new KubekeepError('host-unreachable', 'cp1: no answer'));

  it('that cannot be undone has a result all the same, and the next drill tries again', async () => {
    const { restored, said } = await run({ undo: unreachable });
    assert.equal(restored, false);
    assert.deepEqual(said, ['fault begins X1', 'fault is in X1', 'undo begins X1', 'note not healthy again: cp1: no answer']);
    assert.ok(existsSync(pendingFile()));
  });

  it('says in its note what only an apply undoes', async () => {
    await run({ undo: unreachable, undoneLast: true });
    assert.deepEqual(JSON.parse(await readFile(pendingFile(), 'utf8')), { fault: 'X1', scripts: {}, byApply: true });
  });

  it('after which a host does not answer is not restored', async () => {
    const { restored, said } = await run({}, unreachable);
    assert.equal(restored, false);
    assert.deepEqual(said.slice(3), ['undone X1', 'note not healthy again: cp1: no answer']);
    assert.ok(!existsSync(pendingFile()));
  });

  it('that ends well is restored', async () => {
    const { restored, said } = await run({});
    assert.equal(restored, true);
    assert.deepEqual(said.slice(3), ['undone X1', 'healthy X1']);
  });

  it('is undone where it could not be put in, and says why it could not', async () => {
    let undone = 0;
    await assert.rejects(run({ inject: () => Promise.reject(new Error('stuck')), undo: async () => void undone++ }), /stuck/);
    assert.equal(undone, 1);
  });

  const pendingFile = () => join(folder, 'drills', 'pending.json');

  async function run(changes: Partial<Aim>, healthy: () => Promise<void> = async () => {}): Promise<{ readonly restored: boolean; readonly said: readonly string[] }> {
    const said: string[] = [];
    const operation = { cluster: clusterOf('T3'), hosts: new Map(), clock: { sleep: async () => {} }, signal: new AbortController().signal, progress: () => {} };
    const stage = { operation, pendingFile: pendingFile(), healthy } as unknown as Stage;
    const aim: Aim = { about: 'cp1', hosts: ['cp1'], inject: async () => {}, undo: async () => {}, ...changes };
    const log = { now: () => 0, add: (record: DrillRecord) => void (record.kind === 'mark' && said.push(`${record.what} ${record.about}`)) };
    const restored = await throughTheFault({ stage, fault: { id: 'X1', title: 'x', seconds: 1 } as Fault, aim, log, sampler: { mayBeOff: () => {} } });
    return { restored, said };
  }
});
