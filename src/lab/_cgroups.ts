import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kill } from './_processes.ts';

/**
 * A cgroup of its own for the machine in every hierarchy, new and empty, on computers without systemd. Machines started from one place would
 * share nspawn's "payload" cgroup, and systemd in one would kill processes of another. Returns the folders.
 */
export async function makeCgroups(machineId: string): Promise<string[]> {
  await removeCgroups(machineId);
  const folders: string[] = [];
  for (const hierarchy of await readHierarchies()) {
    const folder = join(hierarchy, cgroupName(machineId));
    await mkdir(folder, { recursive: true });
    // In version 1 a cpuset is empty at first, and nothing can enter it.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = basename(hierarchy) === 'cpuset' && (await readFile(join(hierarchy, file), 'utf8'));
      if (inherited) await writeFile(join(folder, file), inherited);
    }
    if (basename(hierarchy) === 'cpuset') await writeFile(join(folder, 'cgroup.clone_children'), '1');
    // Kernels with groups of real-time tasks give a new group no time for them: keepalived could not ask for it.
    const realTime = join(folder, 'cpu.rt_runtime_us');
    if (existsSync(realTime)) await writeFile(realTime, String(realTimeShare)).catch(() => {});
    folders.push(folder);
  }
  return folders;
}

/** Removes the machine's cgroups, after killing what may still be in them. */
export async function removeCgroups(machineId: string): Promise<void> {
  for (const hierarchy of await readHierarchies()) await removeTree(join(hierarchy, cgroupName(machineId)));
}

/** Machine ids that have a cgroup here. */
export async function listCgroups(): Promise<Set<string>> {
  const names = await Promise.all((await readHierarchies()).map((hierarchy) => readdir(hierarchy).catch(() => [])));
  return new Set(names.flat().flatMap((name) => (name.startsWith('kubekeep-') ? [name.slice('kubekeep-'.length)] : [])));
}

/** Microseconds of each second that a machine's real-time tasks may use: nine machines share what the kernel hands out. */
const realTimeShare = 100_000;

async function readHierarchies(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n');
  return lines.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4]!);
}

function cgroupName(machineId: string): string {
  return `kubekeep-${machineId}`;
}

async function removeTree(folder: string): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    const folders = await listTree(folder);
    if (folders.length === 0) return;
    let busy = false;
    for (const one of folders.reverse()) busy = !(await rmdir(one).then(() => true, (error: NodeJS.ErrnoException) => error.code === 'ENOENT')) || busy;
    if (!busy) return;
    for (const one of folders) for (const pid of await readPids(one)) kill(pid, 'SIGKILL');
    await sleep(20);
  }
}

/** The folder and all below, parents first; empty where it does not exist. */
async function listTree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return [];
  const below = await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => listTree(join(folder, entry.name))));
  return [folder, ...below.flat()];
}

async function readPids(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  return text.split('\n').map(Number).filter((pid) => pid > 1);
}
