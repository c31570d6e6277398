import { setTimeout as sleep } from 'node:timers/promises';
import { boot, forgetUnit } from './_boot.ts';
import { removeCgroups } from './_cgroups.ts';
import { withLock } from './_lock.ts';
import { mountDisk, unmountDisk } from './_machine-disk.ts';
import { removeInterface } from './_network.ts';
import { findInit, findMachineProcesses, kill, killMachine } from './_processes.ts';
import { waitForSsh } from './_wait-for-ssh.ts';
import { renewCuts } from './links.ts';
import { findMachine, type Lab, type LabMachine } from './lab.ts';

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
  await withLock({ scope: `machine ${machine.machineId}` }, async () => {
    if (graceful) await shutDown(machine);
    await stopMachine(lab, machine);
  });
}

/** Boots a machine on its own disk and waits for its SSH server. Safe to call on a machine that is on. Throws `lab-failed`. */
export async function powerOn(lab: Lab, name: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
  const machine = findMachine(lab, name);
  await withLock({ scope: `machine ${machine.machineId}`, signal }, async () => {
    // What a machine that went down by itself left behind would stop it from starting.
    if ((await machineState(machine)) === 'off') await stopMachine(lab, machine);
    await mountDisk(lab, machine);
    await boot(lab, machine);
  });
  await waitForSsh(lab, machine, { signal });
  await renewCuts(lab);
}

/** Everything of a running machine, gone: cable, processes, cgroups, mount. */
export async function stopMachine(lab: Lab, machine: LabMachine): Promise<void> {
  await removeInterface(machine.interface);
  await killMachine(machine.machineId);
  // nspawn may have made the cable between the two.
  await removeInterface(machine.interface);
  await forgetUnit(machine.machineId);
  await removeCgroups(machine.machineId);
  await unmountDisk(lab, machine);
}

async function shutDown(machine: LabMachine): Promise<void> {
  const init = await findInit(machine.machineId);
  // SIGRTMIN+4 asks systemd to power off.
  if (init === undefined || !kill(init, 34 + 4)) return;
  for (let turn = 0; turn < 200 && (await machineState(machine)) === 'on'; turn += 1) await sleep(50);
}
