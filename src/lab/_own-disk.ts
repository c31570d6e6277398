import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import { isMounted, readMounts, unmount } from './_mounts.ts';
import { thaw } from './_stalls.ts';
import { attempt, tool } from './_tool.ts';

/** Where a machine's own disk lies. The bay's name carries the machine's id, so that what is left in it is found without a registry. */
export interface OwnDiskPaths {
  readonly machineId: string;
  /**
   * A shared mount with all mounts of the machine in it. systemd-nspawn gives each machine a hidden copy of all mounts that there are when it starts; copies
   * below a shared mount go when the original goes, others would keep the disk in use for as long as any machine runs.
   */
  readonly bay: string;
  /** A sparse file of this computer that holds the platter. */
  readonly file: string;
  /**
   * Where the platter is mounted: a file system with nothing but the disk's blocks in it. Freezing it makes the disk above stand still as a broken
   * one does (writes go on in memory, syncs wait); freezing the disk itself would stop every write in the machine.
   */
  readonly platter: string;
  /** The disk's blocks. */
  readonly blocks: string;
  /** Where the disk is mounted. */
  readonly disk: string;
}

export function pathsOfOwnDisk(folder: string, machineId: string): OwnDiskPaths {
  const bay = join(folder, `${machineId}.bay`);
  const platter = join(bay, 'platter');
  return { machineId, bay, file: join(bay, 'platter.img'), platter, blocks: join(platter, 'disk.img'), disk: join(bay, 'disk') };
}

/**
 * Mounts the disk, which is made where there is none: `size` bytes that take room on this computer only when they are written. The kernel may keep what was not
 * synced in memory for 30 s, as it may on any machine: what a power cut loses is then not a matter of luck. Throws `lab-failed`.
 */
export async function mountOwnDisk(size: number, { bay, file, platter, blocks, disk }: OwnDiskPaths): Promise<void> {
  for (const folder of [bay, platter, disk]) await mkdir(folder, { recursive: true, mode: 0o755 });
  if (!(await isMounted(bay))) {
    await tool('mount', ['--bind', bay, bay]);
    await tool('mount', ['--make-shared', bay]);
  }
  // The platter needs a little more than the blocks for its own tables. Nothing in it has to outlive this computer: no journal.
  await makeOnce(file, size + size / 32 + 2 ** 25, ['-O', '^has_journal', '-N', '16']);
  if (!(await isMounted(platter))) await tool('mount', ['-o', 'loop,noatime', file, platter]);
  await makeOnce(blocks, size, []);
  if (!(await isMounted(disk))) await tool('mount', ['-o', 'loop,noatime,commit=30', blocks, disk]);
}

/** Disks that are mounted here, of machines whose ids begin with a tag. */
export async function findOwnDisks(tag: string): Promise<readonly OwnDiskPaths[]> {
  return (await readMounts()).flatMap(({ target }) => {
    const [, folder, machineId] = /^(.*)\/(kk[0-9a-f]{10})\.bay$/.exec(target) ?? [];
    return folder !== undefined && machineId?.startsWith(tag) ? [pathsOfOwnDisk(folder, machineId)] : [];
  });
}

/** Unmounts it and gives the loop devices back. */
export async function unmountOwnDisk(paths: OwnDiskPaths): Promise<void> {
  await thaw(paths);
  for (const folder of [paths.disk, paths.platter, paths.bay]) await unmount(folder);
}

/**
 * What a power cut does to a disk: from one moment on nothing reaches it any more, and what was not synced is gone when it is mounted again. Whatever still
 * runs there gets errors. Throws `lab-failed`.
 */
export async function stopDisk(paths: OwnDiskPaths): Promise<void> {
  if (!(await isMounted(paths.disk))) return;
  const stopping = attempt('perl', ['-e', shutdown, paths.disk]);
  // The disk is dead as soon as the call begins, but the call ends only when what is on its way has arrived: not on a platter that is frozen.
  await Promise.race([stopping, sleep(300)]);
  await thaw(paths);
  const { exitCode, stderr } = await stopping;
  if (exitCode !== 0) throw new KubekeepError('lab-failed', `the disk of machine ${paths.machineId} could not be stopped: ${stderr.trim()}`);
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: neither data nor journal are written out. */
const shutdown = 'open my $disk, "<", $ARGV[0] or die "$!\\n"; my $flags = pack "L", 2; ioctl $disk, 0x8004587D, $flags or die "$!\\n"';

/** A sparse file with an empty ext4. Nothing is kept back for root: a disk that is full is full for all. */
async function makeOnce(path: string, size: number, options: readonly string[]): Promise<void> {
  if (existsSync(path)) return;
  const unfinished = `${path}.new`;
  await tool('truncate', ['--size', String(Math.ceil(size)), unfinished]);
  await tool('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'nodiscard', ...options, unfinished]);
  await rename(unfinished, path);
}
