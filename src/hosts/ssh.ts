import { rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { explainLostConnection, explainSshFailure } from './_explain-ssh-failure.ts';
import { serveForward, type ForwardServer } from './_forward-server.ts';
import { keepConnected } from './_keep-connected.ts';
import { ownFileName, prepareRuntimeFolder } from './_runtime-folder.ts';
import { readOutcome, sendScript } from './_script.ts';
import { openConnection, type SshConnection } from './_ssh-connection.ts';
import { hostKeyAlias, sshOptions } from './_ssh-options.ts';
import { runSsh } from './_ssh-process.ts';
import { openSource, refuseWrongChecksum } from './_upload-source.ts';
import type { Host, RunOptions, RunResult, Upload, UploadOptions } from './host.ts';
import { expectSuccess } from './local.ts';
import type { ProcessOptions, ProcessResult } from './process.ts';
import type { SshTarget } from './ssh-target.ts';
import { receiveScript, writeScript } from './write-script.ts';

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
  let generation = 0;
  const connection = keepConnected(async () => {
    await prepareRuntimeFolder(folder);
    if (target.hostKey) await writeFile(pinned, `${hostKeyAlias(name)} ${target.hostKey}\n`, { mode: 0o600 });
    return openConnection(target, { options, base: `${base}.${generation++}`, patience: connectTimeout + 15 });
  });
  /** By target: who asks again and again, as long as a host is away, gets one and the same. */
  const forwards = new Map<string, Forward>();
  let made = 0;
  const session: Session = async (words, about) => runOver(target, options, await connection.get(about.signal), words, about);

  const host: Host = {
    name,
    run: (script, { signal, timeout = 60_000 } = {}) => runScript(target, session, script, { signal, timeout }),
    async write(files, runOptions) {
      expectSuccess(await host.run(writeScript(files), runOptions), `writing ${files.map(({ path }) => path).join(', ')}`);
    },
    upload: (file, { signal, timeout = 1_800_000, onBytes } = {}) => sendFile(target, session, file, { signal, timeout, onBytes }),
    async forward({ port, address = '127.0.0.1' }) {
      await connection.get();
      const target = `${address} ${port}`;
      const forward = forwards.get(target) ?? serve(`${base}-${made++}.fwd`, async () => (await connection.get()).dial(address, port));
      forwards.set(target, forward);
      await forward.server.catch((error: unknown) => {
        forwards.delete(target);
        throw error;
      });
      return forward.path;
    },
    async close() {
      const servers = [...forwards.values()];
      forwards.clear();
      await Promise.all([connection.close(), ...servers.map(({ server }) => server.then((one) => one.close(), () => {}))]);
      await rm(pinned, { force: true });
    },
  };
  return host;
}

interface Forward {
  readonly path: string;
  readonly server: Promise<ForwardServer>;
}

function serve(path: string, dial: () => Promise<Socket>): Forward {
  return { path, server: serveForward(path, dial) };
}

/** Runs a command of plain words on the host as root, for at most `timeout` milliseconds. */
type Session = (words: string, process: ProcessOptions & { readonly timeout: number }) => Promise<ProcessResult>;

async function runOver({ user, address }: SshTarget, options: readonly string[], { control }: SshConnection, words: string, process: Parameters<Session>[1]): Promise<ProcessResult> {
  // Every word is plain, so that it means the same to every login shell.
  const command = `exec env LC_ALL=C ${user === 'root' ? '' : 'sudo -n '}timeout -k 2 ${process.timeout / 1000} ${words}`;
  const start = performance.now();
  const result = await runSsh(['-S', control, '-o', 'ControlMaster=no', '-o', 'ClearAllForwardings=yes', ...options, '-o', 'SessionType=default', '--', address, command], { ...process, timeout: process.timeout + grace });
  // timeout(1) says 124, or 137 where it had to kill.
  const ranOut = (result.exitCode === 124 || result.exitCode === 137) && performance.now() - start >= process.timeout;
  return { ...result, timedOut: result.timedOut || ranOut };
}

async function runScript(target: SshTarget, session: Session, script: string, options: RunOptions & { readonly timeout: number }): Promise<RunResult> {
  const { text, marker } = sendScript(script);
  const start = performance.now();
  const result = await session('sh -s', { input: text, ...options });
  const { started, exitCode, stdout, stderr } = readOutcome(marker, result.stdout, result.stderr);
  const common = { host: target.name, stdout, stderr, duration: performance.now() - start };
  if (exitCode !== undefined) return { ...common, exitCode, timedOut: false };
  if (result.timedOut) return { ...common, exitCode: 124, timedOut: true };
  refuseUnfinished(target, result, started);
  return { ...common, exitCode: result.exitCode, timedOut: false };
}

async function sendFile(target: SshTarget, session: Session, { source, ...file }: Upload, { onBytes, ...options }: UploadOptions & { readonly timeout: number }): Promise<void> {
  const input = await openSource(source, onBytes);
  // Standard input is the file here; the script has no secret and goes in an argument, in a form that every login shell leaves as it is.
  const { text, marker } = sendScript(receiveScript(file), 'with its input');
  const start = performance.now();
  const result = await session(`sh -c 'eval "$(echo ${Buffer.from(text).toString('base64')} | base64 -d)"'`, { input, ...options }).finally(() => input.destroy());
  const { started, exitCode, stderr } = readOutcome(marker, result.stdout, result.stderr);
  if (exitCode === undefined && !result.timedOut) refuseUnfinished(target, result, started);
  refuseWrongChecksum(target.name, file.target, file.sha256, exitCode);
  expectSuccess({ ...result, exitCode: exitCode ?? result.exitCode, stderr, host: target.name, duration: performance.now() - start }, `copying ${file.target}`);
}

/** A command without a result: the shell never began, or the connection broke. */
function refuseUnfinished(target: SshTarget, { exitCode, stdout, stderr }: ProcessResult, started: boolean): void {
  if (!started) throw explainSshFailure(target, stderr, stdout);
  if (exitCode === 255) throw explainLostConnection(target);
}
