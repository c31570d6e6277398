import { withLock } from './_lock.ts';
import { ownDiskPaths } from './_machine-disk.ts';
import { startStall, thaw, type Stall } from './_stalls.ts';
import { checkOwnDisks, findMachine, type Lab } from './lab.ts';
import { lockOf } from './power.ts';

/**
 * Makes the disk of a running machine stand still, again and again: what is written stays in memory, and who syncs waits. It ends after `seconds` by
 * itself, also when kubekeep is killed. Throws `lab-unsupported` where the machines have no disks of their own, `lab-failed`.
 */
export async function stallDisk(lab: Lab, name: string, stall: Stall): Promise<void> {
  const machine = findMachine(lab, name);
  checkOwnDisks(lab);
  await withLock(lockOf(machine), async () => {
    await thaw(ownDiskPaths(lab, machine));
    await startStall(ownDiskPaths(lab, machine), stall);
  });
}

/** Lets the disk of a machine go on. Nothing happens where it does. */
export async function releaseDisk(lab: Lab, name: string): Promise<void> {
  const machine = findMachine(lab, name);
  if (lab.diskSize !== undefined) await withLock(lockOf(machine), () => thaw(ownDiskPaths(lab, machine)));
}
