import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unwritten } from '../lib/disk-error.ts';

export interface ThrowAwayFolder extends AsyncDisposable {
  readonly path: string;
}

/** Waits until its input is closed, which the kernel does for a killed kubekeep too, and removes a folder. What dies at the same moment may still write into it. */
const remover = 'cat >/dev/null; i=0; until rm -rf -- "$1" || [ $((i+=1)) -gt 50 ]; do sleep 0.1; done';

/** A new folder, `prefix` and six characters, for this user only. Gone with all that is in it when disposed, or when kubekeep ends in any way; only a power cut leaves it. Throws `file-missing`. */
export async function throwAwayFolder(prefix: string): Promise<ThrowAwayFolder> {
  const path = await mkdtemp(prefix).catch((error: unknown) => {
    throw unwritten(dirname(prefix), error);
  });
  // In a group of its own: Ctrl-C is for kubekeep.
  const child = spawn('sh', ['-c', remover, 'sh', path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const ended = once(child, 'close');
  ended.catch(() => {});
  child.stdin.on('error', () => {});
  return {
    path,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
