import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noRoomIn } from '../lib/disk-error.ts';
import { KubekeepError } from '../lib/errors.ts';
import { runCommand } from './_run-command.ts';
import type { CachedProgram } from './program.ts';
import { throwAwayFolder, type ThrowAwayFolder } from './throw-away-folder.ts';

/** A real etcd of one member that was restored from a snapshot, on a unix socket that root alone can reach and without a network. Gone when disposed, or when kubekeep is. */
export interface ScratchEtcd extends AsyncDisposable {
  readonly socketPath: string;
  /** Rejects where it ends by itself, with its last words. */
  readonly ended: Promise<never>;
}

export interface ScratchOptions {
  readonly etcd: CachedProgram;
  readonly etcdutl: CachedProgram;
  /** As `etcdctl snapshot save` writes it. */
  readonly snapshot: string;
  /** An empty folder for its data: with room for twice the snapshot. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves when it is started; it answers some time later. Throws `data-damaged` where the snapshot cannot be restored. */
export async function startScratchEtcd({ etcd, etcdutl, snapshot, folder, signal }: ScratchOptions): Promise<ScratchEtcd> {
  // A unix socket's path must be short.
  const sockets = await throwAwayFolder(join(tmpdir(), 'kubekeep-etcd-'));
  try {
    return await started({ etcd, etcdutl, snapshot, folder, signal }, sockets);
  } catch (error) {
    await sockets[Symbol.asyncDispose]();
    throw error;
  }
}

async function started({ etcd, etcdutl, snapshot, folder, signal }: ScratchOptions, sockets: ThrowAwayFolder): Promise<ScratchEtcd> {
  const [client, peer] = ['client', 'peer'].map((name) => `unix://${join(sockets.path, name)}`);
  const data = ['--data-dir', join(folder, 'data'), '--name', 'scratch', '--initial-cluster', `scratch=${peer}`, '--initial-advertise-peer-urls', peer!];
  const restored = await runCommand([etcdutl.path, 'snapshot', 'restore', snapshot, ...data], { signal });
  if (restored.exitCode !== 0) throw noRoomIn(folder, restored.lines) ?? new KubekeepError('data-damaged', `etcdutl does not restore the snapshot: ${restored.lines.at(-1) ?? `exit code ${restored.exitCode}`}`);
  const end = new AbortController();
  const running = runCommand([
    etcd.path, ...data, '--listen-client-urls', client!, '--advertise-client-urls', client!, '--listen-peer-urls', peer!,
    // It is thrown away, and is to read whatever there is.
    '--unsafe-no-fsync', '--quota-backend-bytes', '100000000000', '--log-level', 'error',
  ], { signal: end.signal });
  const ended = running.then(({ exitCode, lines }): never => {
    throw noRoomIn(folder, lines) ?? new KubekeepError('etcd-failed', `the etcd that reads what was restored ended with exit code ${exitCode}: ${lines.at(-1) ?? ''}`);
  });
  ended.catch(() => {});
  return {
    socketPath: join(sockets.path, 'client'),
    ended,
    async [Symbol.asyncDispose]() {
      end.abort();
      await ended.catch(() => {});
      await sockets[Symbol.asyncDispose]();
    },
  };
}
