import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import { boot, forgetUnit } from './_boot.ts';
import { removeCgroups } from './_cgroups.ts';
import { withLock } from './_lock.ts';
import { diskFolders, hasDisk, mountDisk, ownDiskPaths, unmountDisk } from './_machine-disk.ts';
import { makeBridge, removeInterface } from './_network.ts';
import { removeNspawnState } from './_nspawn-state.ts';
import { stopDisk } from './_own-disk.ts';
import { findInit, findMachineProcesses, kill, killMachine } from './_processes.ts';
import { thaw } from './_stalls.ts';
import { waitForSsh } from './_wait-for-ssh.ts';
import { renewCuts } from './links.ts';
import { checkOwnDisks, findMachine, thisComputer, type Lab, type LabMachine } from './lab.ts';

export const machineStates = ['on', 'off'] as const;
export type MachineState = (typeof machineStates)[number];

/** As the kernel sees it: whether the machine's processes exist. */
export async function machineState(machine: LabMachine): Promise<MachineState> {
  return (await findMachineProcesses((id) => id === machine.machineId)).length > 0 ? 'on' : 'off';
}

export interface PowerOffOptions {
  /** Lets it shut down for 10 s before the power goes. */
  readonly graceful?: boolean;
  /** What was not synced is lost, as on a real machine; only where machines have disks of their own. */
  readonly dropUnsynced?: boolean;
}

/**
 * Switches a machine off the hard way: first the cable, then the kill, so that nothing of it says good-bye on the network. Its disk stays. Safe to call
 * on a machine that is off. Throws `lab-unsupported` or `lab-failed`.
 */
export async function powerOff(lab: Lab, name: string, { graceful = false, dropUnsynced = false }: PowerOffOptions = {}): Promise<void> {
  const machine = findMachine(lab, name);
  if (dropUnsynced) checkOwnDisks(lab);
  await withLock(lockOf(machine), async () => {
    if (graceful) await shutDown(lab, machine);
    if (dropUnsynced) {
      await removeInterface(machine.interface);
      await stopDisk(ownDiskPaths(lab, machine));
    }
    await stopMachine(lab, machine);
  });
}

/**
 * Boots a machine on its own disk and waits for its SSH server (not where its link to this computer is cut: nothing could be seen). Safe to
 * call on a machine that is on. Throws `lab-failed`.
 */
export async function powerOn(lab: Lab, name: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
  const machine = findMachine(lab, name);
  await withLock({ ...lockOf(machine), signal }, async () => {
    if (!hasDisk(lab, machine)) throw new KubekeepError('lab-missing', `machine ${name} of lab ${lab.name} has no disk any more`);
    // What a machine that went down by itself left behind would stop it from starting.
    if ((await machineState(machine)) === 'off') await stopMachine(lab, machine);
    await makeBridge(lab);
    await mountDisk(lab, machine);
    await boot(lab, machine);
  });
  await waitForCable(machine, signal);
  const cuts = await renewCuts(lab);
  const cutOff = cuts.some(({ from, to }) => [from, to].includes(thisComputer) && [from, to].includes(name));
  if (!cutOff) await waitForSsh(lab, machine, { signal });
}

/** Switches a machine off for good, also one that was never quite made. */
export async function removeMachine(lab: Lab, machine: LabMachine): Promise<void> {
  await withLock(lockOf(machine), () => stopMachine(lab, machine));
}

/** Everything of a running machine, gone: cable, processes, cgroups, mount. */
async function stopMachine(lab: Lab, machine: LabMachine): Promise<void> {
  await removeInterface(machine.interface);
  // Who waits for a disk that stands still cannot be killed.
  if (lab.diskSize !== undefined) await thaw(ownDiskPaths(lab, machine));
  await killMachine(machine.machineId);
  // nspawn may have made the cable between the two.
  await removeInterface(machine.interface);
  await forgetUnit(machine.machineId);
  await removeNspawnState(machine.machineId, diskFolders(lab, machine).root);
  await removeCgroups(machine.machineId);
  await unmountDisk(lab, machine);
}

/** One change of a machine at a time. */
export function lockOf(machine: LabMachine) {
  return { scope: `machine ${machine.name} (${machine.machineId})` };
}

/** nspawn makes the cable early in a boot. A machine that ends at once is left to `waitForSsh` to tell. */
async function waitForCable(machine: LabMachine, signal: AbortSignal | undefined): Promise<void> {
  for (let turn = 0; turn < 200 && !existsSync(`/sys/class/net/${machine.interface}`); turn += 1) await sleep(20, undefined, { signal });
}

async function shutDown(lab: Lab, machine: LabMachine): Promise<void> {
  if (lab.diskSize !== undefined) await thaw(ownDiskPaths(lab, machine));
  const init = await findInit(machine.machineId);
  // SIGRTMIN+4 asks systemd to power off.
  if (init === undefined || !kill(init, 34 + 4)) return;
  for (let turn = 0; turn < 200 && (await machineState(machine)) === 'on'; turn += 1) await sleep(50);
}
