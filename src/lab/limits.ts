import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../lib/progress.ts';
import { readRecords } from './registry.ts';

/** A control-plane machine uses 8 to 23 inotify instances of root's, and all machines share one count. */
export const inotifyPerMachine = 23;
const inotifyPath = '/proc/sys/fs/inotify/max_user_instances';
/** Left for everything else that runs as root on this computer. */
const inotifyOfOthers = 128;

export async function readInotifyLimit(): Promise<number> {
  return Number(await readFile(inotifyPath, 'utf8'));
}

/** Raises fs.inotify.max_user_instances to what all labs need, noting first what it was. The caller holds the registry's lock. */
export async function raiseLimits(runtimeFolder: string, progress: Progress): Promise<void> {
  const machines = (await readRecords(runtimeFolder)).reduce((sum, { lab }) => sum + lab.machines.length, 0);
  const needed = machines * inotifyPerMachine + inotifyOfOthers;
  const limit = await readInotifyLimit();
  if (limit >= needed) return;
  await mkdir(runtimeFolder, { recursive: true, mode: 0o700 });
  await writeFile(notePath(runtimeFolder), `${limit}\n`, { flag: 'wx', mode: 0o600 }).catch(ignoreExisting);
  await writeFile(inotifyPath, `${needed}\n`);
  progress({ type: 'note', title: `fs.inotify.max_user_instances raised from ${limit} to ${needed} until the last lab is down` });
}

/** Undoes `raiseLimits`; nothing happens where nothing was raised. The caller holds the registry's lock. */
export async function putLimitsBack(runtimeFolder: string): Promise<void> {
  const before = Number(await readFile(notePath(runtimeFolder), 'utf8').catch(() => '0'));
  if (before > 0) await writeFile(inotifyPath, `${before}\n`);
  await rm(notePath(runtimeFolder), { force: true });
}

function notePath(runtimeFolder: string): string {
  return join(runtimeFolder, 'lab-limits-before');
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
