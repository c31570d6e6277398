import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEnvironment } from '../../src/cli/env.ts';
import { runProcess } from '../../src/hosts/process.ts';
import { createLab } from '../../src/lab/create-lab.ts';
import { destroyAllLabs, destroyLab } from '../../src/lab/destroy-lab.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { reinstall } from '../../src/lab/reinstall.ts';
import { sshArguments } from '../../src/lab/ssh-arguments.ts';
import { releaseDisk, stallDisk } from '../../src/lab/stall.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';
import { labTraces } from '../support/lab-traces.ts';

const folder = await mkdtemp('/var/tmp/kubekeep-test-');
const runtimeFolder = join(folder, 'run');
const image = await ensureImage({ release: 'trixie', cacheFolder: readEnvironment().cacheFolder, progress: silent, clock: systemClock });
const create = (name: string, diskSize?: number) =>
  createLab({ name, directory: join(folder, name), image, machines: [{ name: 'cp1' }], diskSize, runtimeFolder, raiseLimits: true, progress: silent });

after(async () => {
  await destroyAllLabs({ runtimeFolder, progress: silent });
  await rm(folder, { recursive: true });
});

/** Standard output of a command on the machine. */
async function on(lab: Lab, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runProcess('ssh', sshArguments(lab, 'cp1', [script]));
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

/** ms that each of some synced writes takes, one right after the other. */
async function syncedWrites(lab: Lab, count: number): Promise<readonly number[]> {
  const write = 'begin=$(date +%s%N); echo x > /root/synced-write; sync /root/synced-write; echo $(( ($(date +%s%N) - begin) / 1000000 ))';
  return (await on(lab, `for turn in $(seq ${count}); do ${write}; done`)).split('\n').map(Number);
}

const syncedWrite = async (lab: Lab) => (await syncedWrites(lab, 1))[0]!;

describe('a machine with a disk of its own', () => {
  let lab: Lab;
  let younger: Lab;
  before(async () => {
    lab = await create('one', 2 * 2 ** 30);
    // Started later: nspawn gives its machine a copy of the first one's mounts, which must not keep them alive.
    younger = await create('two');
  });

  test('loses by a power cut what was not synced, and keeps what was', async () => {
    await on(lab, 'cd /root; echo old > inplace; echo kept > synced; sync inplace synced; printf new | dd of=inplace conv=notrunc status=none; echo gone > unsynced');
    await powerOff(lab, 'cp1', { dropUnsynced: true });
    await powerOn(lab, 'cp1');
    assert.equal(await on(lab, 'cd /root; cat inplace synced; [ -s unsynced ] || echo none'), 'old\nkept\nnone');
  });

  test('keeps everything by a power cut that asks for no loss', async () => {
    await on(lab, 'echo kept > /root/unsynced');
    await powerOff(lab, 'cp1');
    await powerOn(lab, 'cp1');
    assert.equal(await on(lab, 'cat /root/unsynced'), 'kept');
  });

  test('waits with synced writes while its disk stands still, not with others, and goes on when it is released', async () => {
    await stallDisk(lab, 'cp1', { still: 60_000, between: 0, seconds: 60 });
    const waiting = syncedWrite(lab);
    assert.equal(await Promise.race([waiting, on(lab, 'echo more >> /root/buffered; sleep 1; cat /root/buffered')]), 'more');
    await releaseDisk(lab, 'cp1');
    assert.ok((await waiting) >= 900, `${await waiting} ms`);
    assert.ok((await syncedWrite(lab)) < 900);
  });

  test('needs about 200 ms for a synced write when its disk stands still for that long again and again', async () => {
    await stallDisk(lab, 'cp1', { still: 200, between: 1, seconds: 60 });
    // The first begins somewhere in a standstill, those after it where the one before ended: at its end.
    const [, ...times] = await syncedWrites(lab, 6);
    await releaseDisk(lab, 'cp1');
    assert.ok(times.toSorted((a, b) => a - b)[2]! >= 100, times.join(', '));
  });

  for (const [which, victims] of [['what freezes', (pids: number[]) => [Math.max(...pids)]], ['what watches over that', (pids: number[]) => [Math.min(...pids)]]] as const) {
    test(`goes on when ${which} is killed`, async () => {
      await stallDisk(lab, 'cp1', { still: 5000, between: 0, seconds: 5 });
      const pids = await stallProcesses(lab);
      assert.equal(pids.length, 2);
      for (const pid of victims(pids)) process.kill(pid, 'SIGKILL');
      assert.ok((await syncedWrite(lab)) < 15_000);
      for (let turn = 0; turn < 300 && (await stallProcesses(lab)).length > 0; turn += 1) await sleep(50);
      assert.deepEqual(await stallProcesses(lab), []);
    });
  }

  test('has its power cut also while its disk stands still', async () => {
    await on(lab, 'echo kept > /root/synced; sync /root/synced');
    await stallDisk(lab, 'cp1', { still: 60_000, between: 0, seconds: 60 });
    await on(lab, 'echo gone > /root/unsynced; nohup sync /root/unsynced > /dev/null 2>&1 &');
    await powerOff(lab, 'cp1', { dropUnsynced: true });
    await powerOn(lab, 'cp1');
    assert.equal(await on(lab, 'cat /root/synced'), 'kept');
    assert.ok((await syncedWrite(lab)) < 5000);
  });

  test('gets an empty disk when it is reinstalled, and keeps its host key', async () => {
    await reinstall(lab, 'cp1');
    assert.equal(await on(lab, 'ls /root'), '');
  });

  test('leaves nothing behind, also where its disk stands still and machines are younger', async () => {
    await stallDisk(lab, 'cp1', { still: 60_000, between: 0, seconds: 60 });
    const { machineId } = lab.machines[0]!;
    await destroyLab('one', { runtimeFolder, progress: silent });
    assert.deepEqual((await labTraces(runtimeFolder)).filter((line) => line.includes(machineId)), []);
    assert.equal((await readdir(folder)).includes('one'), false);
    await destroyLab('two', { runtimeFolder, progress: silent });
  });

  test('a machine that shares the disk of this computer has no such power cut', async () => {
    await assert.rejects(powerOff(younger, 'cp1', { dropUnsynced: true }), { code: 'lab-unsupported', message: /share this computer's disk/ });
  });
});

test('what is left of disks without a registry is found and taken away', async () => {
  const lab = await create('three', 2 * 2 ** 30);
  await stallDisk(lab, 'cp1', { still: 60_000, between: 0, seconds: 60 });
  await rm(join(runtimeFolder, 'labs', 'three.json'));
  const { strays } = await destroyAllLabs({ runtimeFolder, progress: silent });
  assert.ok(strays.some((line) => line.includes('.bay/platter')), strays.join('\n'));
  assert.deepEqual(await labTraces(runtimeFolder), []);
  await rm(lab.directory, { recursive: true });
});

async function stallProcesses(lab: Lab): Promise<number[]> {
  const { stdout } = await runProcess('pgrep', ['-f', `kubekeep-stall-${lab.machines[0]!.machineId}`]);
  return stdout.split('\n').filter(Boolean).map(Number);
}
