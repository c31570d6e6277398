import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface ClearTextFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * A folder of this computer for what etcd holds in clear text, mode 0700, gone with everything in it when disposed. What a kubekeep that was killed left there goes first.
 */
export async function clearTextFolder(parent: string): Promise<ClearTextFolder> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    const pid = /^restore-(\d+)-.{6}$/.exec(name)?.[1];
    if (pid !== undefined && !runs(Number(pid))) await rm(join(parent, name), { recursive: true, force: true });
  }
  const path = await mkdtemp(join(parent, `restore-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
