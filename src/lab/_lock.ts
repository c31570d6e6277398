import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';

export interface LockScope {
  /** What is locked, in words: "the lab registry", "lab a". */
  readonly scope: string;
  /** Locks of different run-time folders are apart; without one the lock is the whole computer's. */
  readonly runtimeFolder?: string;
}

export interface LockOptions extends LockScope {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for the holder; default 30,000. */
  readonly patience?: number;
}

/**
 * Runs `work` while no other process of this computer works on the same scope. The lock is an abstract unix socket: the kernel frees it
 * the moment its holder dies, however it dies, so there is no stale lock to take over.
 */
export async function withLock<T>({ signal, patience = 30_000, ...where }: LockOptions, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patience;
  let lock = await tryLock(where);
  while (!lock) {
    if (performance.now() > deadline) throw new KubekeepError('lab-failed', `another kubekeep is still working on ${where.scope}`, { hint: 'Wait for it to end, or stop it, and try again.' });
    await sleep(30, undefined, { signal });
    lock = await tryLock(where);
  }
  await using _ = lock;
  return await work();
}

/** The lock until it is disposed or this process ends, or undefined where somebody holds it. */
export async function tryLock(where: LockScope): Promise<AsyncDisposable | undefined> {
  const server = await tryListen(lockPath(where));
  return server && { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** True while some process holds the lock. */
export async function isLocked(where: LockScope): Promise<boolean> {
  await using lock = await tryLock(where);
  return lock === undefined;
}

function lockPath({ runtimeFolder = '', scope }: LockScope): string {
  return `\0kubekeep-lab-${createHash('sha256').update(`${runtimeFolder}\n${scope}`).digest('hex').slice(0, 32)}`;
}

function tryListen(path: string): Promise<Server | undefined> {
  const server = createServer((connection) => connection.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(path, () => resolve(server));
  });
}
