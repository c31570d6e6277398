/** Run by `npm run test:roll`, on a computer that has nothing else to do: a starved balancer may cost a reused connection its answers. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { startWriter } from '../../src/drills/writer.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { expectZero, labCluster, type LabCluster } from '../support/lab-cluster.ts';

describe('a cluster that serves', () => {
  let it3: LabCluster;
  before(async () => {
    it3 = await labCluster('T3', 'test-roll-out');
    await expectZero(it3.run('apply', '--yes'));
    await it3.createNamespace('roll');
  });
  after(() => it3[Symbol.asyncDispose]());

  it('loses no request out of 5,000 while a SAN and an API server flag are rolled out', async () => {
    const text = await readFile(it3.file, 'utf8');
    await writeFile(it3.file, text.replace(/^( +)version: 1\.37\.\d+$/m, '$&\n$1extraSans: [api.roll.example]\n$1apiServer: { extraFlags: { max-requests-inflight: "500" } }'));
    const writer = startWriter(await it3.target('roll'), { rate: 40, clock: systemClock, run: 'r' });
    const applied = await it3.run('apply', '--yes');
    while (writer.writes.length < 5000) await systemClock.sleep(500);
    await writer.stop();
    assert.equal(applied.code, 0, applied.stderr);
    const failed = writer.writes.filter(({ outcome }) => outcome !== 'acknowledged');
    assert.deepEqual(failed.map(({ lane, object, due, ended, outcome }) => ({ lane, object, outcome, took: Math.round(ended - due) })), []);
    assert.ok(writer.writes.length >= 5000);
    assert.match((await expectZero(it3.run('plan'))).stdout, /0 changes/);
  });
});
