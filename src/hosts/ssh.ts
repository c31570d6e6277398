import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainLostConnection, explainSshFailure } from './_explain-ssh-failure.ts';
import { serveForward, type ForwardServer } from './_forward-server.ts';
import { ownFileName, prepareRuntimeFolder } from './_runtime-folder.ts';
import { readOutcome, sendScript } from './_script.ts';
import { openConnection, type SshConnection } from './_ssh-connection.ts';
import { hostKeyAlias, sshOptions } from './_ssh-options.ts';
import { runSsh } from './_ssh-process.ts';
import { openSource, refuseWrongChecksum } from './_upload-source.ts';
import type { Host, RunResult } from './host.ts';
import { expectSuccess } from './local.ts';
import type { ProcessOptions, ProcessResult } from './process.ts';
import { receiveScript, writeScript } from './write-script.ts';

export interface SshTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly identity?: string | undefined;
  readonly jump?: string | undefined;
  /** "ssh-ed25519 AAAA…": the only key that is accepted. */
  readonly hostKey?: string | undefined;
}

export interface SshOptions {
  /** Folder for control sockets; its path must be short (a unix socket's path has at most 107 bytes). */
  readonly folder: string;
  /** known_hosts file with the keys that `hosts trust` accepted, by host name; used where the target pins none. */
  readonly knownHosts: string;
  /** Seconds to wait for a connection. */
  readonly connectTimeout?: number | undefined;
}

/** Milliseconds that the host gets to end a command by itself, and to say so. */
const grace = 3000;
let connections = 0;

/**
 * A host reached with the OpenSSH client, so that the user's configuration, agents and jump hosts work. One connection (ControlMaster) is
 * shared by everything that runs on the host. It is made on first use and again when it broke, and ends when kubekeep ends, in whatever way. A
 * command that runs past its time-out is ended on the host too, also where the connection is gone by then.
 */
export function sshHost(target: SshTarget, { folder, knownHosts, connectTimeout = 10 }: SshOptions): Host {
  const { name } = target;
  const base = join(folder, ownFileName(connections++));
  const pinned = `${base}.known`;
  const options = sshOptions(target, { knownHosts: target.hostKey ? pinned : knownHosts, connectTimeout });
  const servers: ForwardServer[] = [];
  let forwards = 0;
  let generation = 0;
  let current: Promise<SshConnection> | undefined;

  const open = async (): Promise<SshConnection> => {
    await prepareRuntimeFolder(folder);
    if (target.hostKey) await writeFile(pinned, `${hostKeyAlias(name)} ${target.hostKey}\n`, { mode: 0o600 });
    return openConnection(target, { options, base: `${base}.${generation++}`, patience: connectTimeout + 15 });
  };
  /** The connection that stands, or a new one. Callers that come meanwhile share it; the one who gives up does not take it from the others. */
  const connect = async (signal?: AbortSignal): Promise<SshConnection> => {
    const previous = current;
    if (previous && !(await unlessAborted(previous, signal)).alive() && current === previous) current = undefined;
    if (!current) {
      const next = open();
      current = next;
      next.catch(() => (current = current === next ? undefined : current));
    }
    return unlessAborted(current, signal);
  };
  const session = async (words: string, process: ProcessOptions & { readonly timeout: number }): Promise<ProcessResult> => {
    const { control } = await connect(process.signal);
    // Every word is plain, so that it means the same to every login shell.
    const command = `exec env LC_ALL=C ${target.user === 'root' ? '' : 'sudo -n '}timeout -k 2 ${process.timeout / 1000} ${words}`;
    const start = performance.now();
    const result = await runSsh(['-S', control, '-o', 'ControlMaster=no', '-o', 'ClearAllForwardings=yes', ...options, '--', target.address, command], { ...process, timeout: process.timeout + grace });
    // timeout(1) says 124, or 137 where it had to kill.
    const ranOut = (result.exitCode === 124 || result.exitCode === 137) && performance.now() - start >= process.timeout;
    return { ...result, timedOut: result.timedOut || ranOut };
  };

  const host: Host = {
    name,
    async run(script, { signal, timeout = 60_000 } = {}): Promise<RunResult> {
      const { text, marker } = sendScript(script);
      const start = performance.now();
      const result = await session('sh -s', { input: text, signal, timeout });
      const duration = performance.now() - start;
      const { started, exitCode, stdout, stderr } = readOutcome(marker, result.stdout, result.stderr);
      if (exitCode !== undefined) return { host: name, exitCode, stdout, stderr, duration, timedOut: false };
      if (result.timedOut) return { host: name, exitCode: 124, stdout, stderr, duration, timedOut: true };
      if (!started) throw explainSshFailure(target, result.stderr, result.stdout);
      if (result.exitCode === 255) throw explainLostConnection(target);
      return { host: name, exitCode: result.exitCode, stdout, stderr, duration, timedOut: false };
    },
    async write(files, runOptions) {
      expectSuccess(await host.run(writeScript(files), runOptions), `writing ${files.map(({ path }) => path).join(', ')}`);
    },
    async upload({ source, target: path, mode, sha256 }, { signal, timeout = 1_800_000, onBytes } = {}) {
      const input = await openSource(source, onBytes);
      const { text, marker } = sendScript(receiveScript({ target: path, mode, sha256 }), 'with its input');
      const start = performance.now();
      const result = await session(`sh -c 'eval "$(echo ${Buffer.from(text).toString('base64')} | base64 -d)"'`, { input, signal, timeout }).finally(() => input.destroy());
      const { started, exitCode = result.exitCode, stderr } = readOutcome(marker, result.stdout, result.stderr);
      refuseWrongChecksum(name, path, sha256, exitCode);
      if (!started && !result.timedOut) throw explainSshFailure(target, result.stderr, result.stdout);
      if (result.exitCode === 255) throw explainLostConnection(target);
      expectSuccess({ ...result, exitCode, stderr, host: name, duration: performance.now() - start }, `copying ${path}`);
    },
    async forward({ port, address = '127.0.0.1' }) {
      const path = `${base}-${forwards++}.fwd`;
      await connect();
      servers.push(await serveForward(path, async () => (await connect()).dial(address, port)));
      return path;
    },
    async close() {
      const closing = current;
      current = undefined;
      await Promise.all(servers.splice(0).map((server) => server.close()));
      await closing?.then((connection) => connection.close(), () => {});
      await rm(pinned, { force: true });
    },
  };
  return host;
}

/** Rejects with the signal's reason when it fires first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
