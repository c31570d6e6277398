import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import { boot, forgetUnit } from './_boot.ts';
import { removeCgroups } from './_cgroups.ts';
import { withLock } from './_lock.ts';
import { diskFolders, mountDisk, unmountDisk } from './_machine-disk.ts';
import { makeBridge, removeInterface } from './_network.ts';
import { removeNspawnState } from './_nspawn-state.ts';
import { findInit, findMachineProcesses, kill, killMachine } from './_processes.ts';
import { waitForSsh } from './_wait-for-ssh.ts';
import { renewCuts } from './links.ts';
import { findMachine, thisComputer, type Lab, type LabMachine } from './lab.ts';

export const machineStates = ['on', 'off'] as const;
export type MachineState = (typeof machineStates)[number];

/** As the kernel sees it: whether the machine's processes exist. */
export async function machineState(machine: LabMachine): Promise<MachineState> {
  return (await findMachineProcesses((id) => id === machine.machineId)).length > 0 ? 'on' : 'off';
}

/**
 * Switches a machine off the hard way: first the cable, then the kill, so that nothing of it says good-bye on the network. `graceful` lets it
 * shut down for 10 s before that. Its disk stays. Safe to call on a machine that is off.
 */
export async function powerOff(lab: Lab, name: string, { graceful = false }: { graceful?: boolean } = {}): Promise<void> {
  const machine = findMachine(lab, name);
  await withLock(lockOf(machine), async () => {
    if (graceful) await shutDown(machine);
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
    if (!existsSync(diskFolders(lab, machine).upper)) throw new KubekeepError('lab-missing', `machine ${name} of lab ${lab.name} has no disk any more`);
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

async function shutDown(machine: LabMachine): Promise<void> {
  const init = await findInit(machine.machineId);
  // SIGRTMIN+4 asks systemd to power off.
  if (init === undefined || !kill(init, 34 + 4)) return;
  for (let turn = 0; turn < 200 && (await machineState(machine)) === 'on'; turn += 1) await sleep(50);
}
