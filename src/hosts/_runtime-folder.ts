import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { isRunning } from './is-running.ts';

/** A unix socket's path has at most 107 bytes, of which ssh takes 17 while it makes one and we up to 20 for the name. */
const longestFolder = 70;

/**
 * Makes the folder of the sockets, refuses one that somebody else could write to, and removes what a kubekeep that was killed has left there.
 * Throws `usage`.
 */
export async function prepareRuntimeFolder(folder: string): Promise<void> {
  if (Buffer.byteLength(folder) > longestFolder) throw new KubekeepError('usage', `${folder} is too long for the path of a socket`, { hint: 'Set XDG_RUNTIME_DIR to a folder with a shorter path.' });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const one of [folder, dirname(folder)]) {
    const { uid, mode } = await stat(one);
    const foreign = ![0, process.getuid?.()].includes(uid);
    // Where a folder has the sticky bit nobody can move the folders of others in it.
    if (foreign || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)) {
      throw new KubekeepError('usage', `${one} belongs to another user or can be written by others; sockets to the hosts are not put there`, { hint: `Remove ${one}, or set XDG_RUNTIME_DIR to a folder of your own.` });
    }
  }
  await sweep(folder);
}

/** Our files begin with the number of the process that made them. */
export function ownFileName(connection: number): string {
  return `${process.pid}-${connection}`;
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^(\d+)-\d+[.-]/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}
