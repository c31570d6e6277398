import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { readRecords, writeRecord } from '../../lab/registry.ts';
import { leftByDemo, openDemoLab } from './_demo-lab.ts';

const labIn = (directory: string, name = 'demo') => ({ name, directory, machines: [], table: 'kubekeep_test', bridge: 'kktest' }) as unknown as Lab;

describe('the lab of the demo', () => {
  let runtimeFolder: string;
  before(async () => void (runtimeFolder = await mkdtemp(join(tmpdir(), 'kubekeep-test-'))));
  after(() => rm(runtimeFolder, { recursive: true }));

  it('is removed where a demo that was killed left it', () => {
    const left = labIn('/var/tmp/kubekeep-demo-aBcDeF');
    assert.equal(leftByDemo([{ lab: labIn('/labs/a', 'a') }, { lab: left }]), left);
    assert.equal(leftByDemo([{ lab: labIn('/labs/a', 'a') }]), undefined);
  });

  for (const [title, directory] of [['of the user', '/root/demo'], ['that was kept', '/var/tmp/kept-kubekeep-demo-aBcDeF'], ['below such a folder', '/var/tmp/kubekeep-demo-aBcDeF/mine'], ['in a folder that only looks like it', '/root/kubekeep-demo-aBcDeF']] as const) {
    it(`is refused where there is one ${title}, with the command that removes it`, () => {
      assert.throws(() => leftByDemo([{ lab: labIn(directory) }]), { code: 'lab-exists', hint: 'kubekeep lab down --name demo removes it.' });
    });
  }

  it('is no other demo\'s, and nothing is left of its folder', async () => {
    const options = { runtimeFolder, progress: () => {}, keep: true };
    const made: string[] = [];
    const make = async (_: string, folder: string) => labIn((made.push(folder), folder));
    {
      await using first = await openDemoLab(make, options);
      assert.ok(existsSync(first.lab.directory) && basename(first.lab.directory).startsWith('kept-'));
      await assert.rejects(openDemoLab(make, options), { code: 'lab-exists', message: 'lab demo belongs to a demo that is going on' });
    }
    await assert.rejects(openDemoLab((_, folder) => (made.push(folder), Promise.reject(new Error('no image'))), { ...options, keep: false }), /no image/);
    assert.deepEqual(made.map((folder) => [basename(folder).startsWith('kept-'), existsSync(folder)]), [[true, false], [false, false]]);
  });

  it('of somebody else is still there when the demo was refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kubekeep-test-'));
    await writeRecord(runtimeFolder, { lab: labIn(folder), state: 'ready', owns: [] });
    await assert.rejects(openDemoLab(() => assert.fail('made'), { runtimeFolder, progress: () => {}, keep: false }), { code: 'lab-exists' });
    assert.equal((await readRecords(runtimeFolder)).length, 1);
    await rmdir(folder);
  });
});
