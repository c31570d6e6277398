import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { throwAwayFolder, type ThrowAwayFolder } from '../../programs/throw-away-folder.ts';

/** A folder of this computer for what etcd holds in clear text. What one that was left by a power cut has goes first. */
export async function clearTextFolder(parent: string): Promise<ThrowAwayFolder> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    const pid = /^restore-(\d+)-.{6}$/.exec(name)?.[1];
    if (pid !== undefined && !runs(Number(pid))) await rm(join(parent, name), { recursive: true, force: true });
  }
  return throwAwayFolder(join(parent, `restore-${process.pid}-`));
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
