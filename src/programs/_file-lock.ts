import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';

export interface FileLockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another holder has to be waited for. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Runs `work` while holding an exclusive kernel lock on the file `path` (made where it is missing, never deleted). Waits for another
 * holder, in this process or another one; a holder that dies loses the lock at once.
 *
 * Node has no flock(2), so flock(1) takes the lock on a descriptor it shares with us and ends: the lock then belongs to our descriptor.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, { signal, onWait }: FileLockOptions = {}): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a');
  try {
    if (!(await flock(file.fd, ['--nonblock'], signal))) {
      onWait?.();
      await flock(file.fd, [], signal);
    }
    return await work();
  } finally {
    await file.close();
  }
}

/** True when the lock was taken, false when somebody else holds it (only with --nonblock). */
async function flock(fd: number, flags: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
  signal?.throwIfAborted();
  const child = spawn('flock', [...flags, '--exclusive', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd], ...(signal && { signal }) });
  const [code] = (await once(child, 'close').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new KubekeepError('tool-missing', 'the program flock is not installed on this computer', { hint: 'Run: apt-get install -y util-linux', cause });
  })) as [number | null];
  if (code === 0 || (code === 1 && flags.length > 0)) return code === 0;
  throw new KubekeepError('bug', `flock ended with ${code}`);
}
