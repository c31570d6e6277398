import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface MachineProcess {
  readonly pid: number;
  /** The nspawn name of the machine. */
  readonly machineId: string;
}

/**
 * The processes of this computer that run machines (systemd-nspawn, or the shell that is about to become it), found by their command
 * lines: that stays true after kubekeep was killed, which a file with process ids does not.
 */
export async function findMachineProcesses(belongs: (machineId: string) => boolean): Promise<MachineProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(readMachineProcess));
  return found.filter((one) => one !== undefined).filter((one) => belongs(one.machineId));
}

/**
 * PID 1 of the machine: the child of nspawn that is no nspawn any more. undefined where the machine is off, or so young that it has none.
 */
export async function findInit(machineId: string): Promise<number | undefined> {
  const own = await findMachineProcesses((id) => id === machineId);
  const pids = new Set(own.map(({ pid }) => pid));
  if (pids.size === 0) return undefined;
  return (await readParents()).find(({ pid, parent }) => pids.has(parent) && !pids.has(pid))?.pid;
}

/** Kills everything of a machine at once, as a power cut does, and waits until it is gone (15 s at most). True where something was there. */
export async function killMachine(machineId: string): Promise<boolean> {
  for (let turn = 0; turn < 500; turn += 1) {
    const own = await findMachineProcesses((id) => id === machineId);
    if (own.length === 0) return turn > 0;
    const init = await findInit(machineId);
    // nspawn follows its child by itself and cleans up; it is killed only where it has none or does not follow.
    for (const pid of init === undefined || turn > 50 ? own.map((one) => one.pid) : [init]) kill(pid, 'SIGKILL');
    await sleep(10 + Math.min(turn, 20));
  }
  return true;
}

/** False where the process is gone already. */
export function kill(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function readMachineProcess(pid: number): Promise<MachineProcess | undefined> {
  try {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    if (!words.some((word) => word === 'systemd-nspawn' || word.endsWith('/systemd-nspawn'))) return undefined;
    const machineId = words[words.indexOf('-M') + 1];
    return words.includes('-M') && machineId ? { pid, machineId } : undefined;
  } catch {
    // It ended while we looked.
    return undefined;
  }
}

/** Every process of this computer with its parent. */
async function readParents(): Promise<{ pid: number; parent: number }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return Promise.all(pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // The program's name stands in brackets and may contain anything.
    return { pid, parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) };
  }));
}
