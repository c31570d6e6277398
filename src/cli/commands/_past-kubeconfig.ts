import { chmod, readFile, writeFile } from 'node:fs/promises';
import { KubekeepError } from '../../lib/errors.ts';
import { isRunning } from '../../hosts/is-running.ts';
import { refuseUnfit, withContext, withoutContexts } from '../../operations/past/kubeconfig-contexts.ts';
import type { PastApi } from '../../operations/past/past-api.ts';
import { writeClusterText } from '../cluster-file.ts';

/** A kubeconfig of the user's, which may be new. */
export interface OwnKubeconfig {
  /** Adds the context to it, and takes it out again when disposed. */
  add(past: PastApi): Promise<AsyncDisposable>;
}

/** Looks first whether it can have one of that name; contexts that a killed kubekeep left in it are out then. Throws `usage`, `file-missing`. */
export async function ownKubeconfig(path: string, name: string): Promise<OwnKubeconfig> {
  const living = async () => {
    const text = (await read(path)) ?? '';
    return about(path, () => withoutContexts(text, (one) => !isRunning(one)) ?? text);
  };
  const first = await living();
  about(path, () => refuseUnfit(first, name));
  return {
    async add({ kubeconfig }) {
      const text = await living();
      const added = about(path, () => withContext(text, { name, kubeconfig: kubeconfig.reveal(), process: process.pid }));
      // Nobody else is to read it: now it has a key.
      await writeFile(path, '', { mode: 0o600, flag: 'a' }).then(() => chmod(path, 0o600)).catch(unwritten(path));
      await writeClusterText(path, added).catch(unwritten(path));
      return {
        async [Symbol.asyncDispose]() {
          const left = withoutContexts((await read(path)) ?? '', (one) => one === process.pid);
          if (left !== undefined) await writeClusterText(path, left);
        },
      };
    },
  };
}

async function read(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new KubekeepError('file-missing', `${path} cannot be read: ${cause.message}`, { cause });
  });
}

function unwritten(path: string): (cause: Error) => never {
  return (cause) => {
    throw new KubekeepError('file-missing', `${path} cannot be written: ${cause.message}`, { cause });
  };
}

function about<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof KubekeepError) throw new KubekeepError(error.code, `${path}: ${error.message}`, { hint: error.hint, cause: error });
    throw error;
  }
}
