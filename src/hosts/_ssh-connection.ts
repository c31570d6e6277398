import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import { explainSshFailure } from './_explain-ssh-failure.ts';
import { dialSocket } from './_forward-server.ts';
import { runSsh, sshCommand, toolMissing } from './_ssh-process.ts';
import type { SshTarget } from './ssh-target.ts';

/** One connection that is shared by everything on a host: an ssh of ours in the background, which ends with kubekeep. */
export interface SshConnection {
  /** Path of its control socket. */
  readonly control: string;
  /** False from the moment at which its ssh has ended. */
  readonly alive: () => boolean;
  /** A new connection to a TCP port as the host reaches it. */
  dial(address: string, port: number): Promise<Socket>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly options: readonly string[];
  /** Path that the names of all its sockets begin with. */
  readonly base: string;
  /** Seconds for everything until the login is done. */
  readonly patience: number;
}

/** Throws what `explainSshFailure` makes of it, or `tool-missing`. */
export async function openConnection(target: SshTarget, { options, base, patience }: OpenOptions): Promise<SshConnection> {
  const control = `${base}.ctl`;
  await rm(control, { force: true });
  const [program, ...words] = sshCommand;
  const child = spawn(program, [...words, '-M', '-N', '-S', control, '-o', 'ClearAllForwardings=yes', ...options, '--', target.address], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-10_000)));
  const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const deadline = performance.now() + patience * 1000;
  // ssh makes the socket when the login is done.
  while (!existsSync(control)) {
    if (!isRunning()) await ended;
    if (child.pid === undefined) throw toolMissing('setpriv', 'util-linux');
    if (child.exitCode === 127 && /^env: .ssh.: No such file/m.test(stderr)) throw toolMissing('ssh', 'openssh-client');
    if (!isRunning()) throw explainSshFailure(target, stderr);
    if (performance.now() > deadline) {
      await end(child, ended);
      throw explainSshFailure(target, `${stderr}\nno login within ${patience} s`);
    }
    await sleep(15);
  }
  const sockets = new Map<string, Promise<string>>();
  const removeSockets = () => Promise.all([control, ...Array.from(sockets, (_, position) => socketPath(base, position))].map((path) => rm(path, { force: true })));
  void ended.then(removeSockets).catch(() => {});
  return {
    control,
    alive: isRunning,
    ...forwards(target, { base, control, sockets }),
    close: async () => {
      await end(child, ended);
      await removeSockets();
    },
  };
}

function socketPath(base: string, position: number): string {
  return `${base}-${position}.in`;
}

interface Forwards {
  readonly base: string;
  readonly control: string;
  /** Path by "address:port". */
  readonly sockets: Map<string, Promise<string>>;
}

function forwards({ name, address: destination }: SshTarget, { base, control, sockets }: Forwards): Pick<SshConnection, 'dial'> {
  const forward = async (address: string, port: number, path: string) => {
    // Without the user's configuration, whose own forwards would be asked for too.
    const { exitCode, stderr } = await runSsh(['-F', '/dev/null', '-S', control, '-O', 'forward', '-L', `${path}:${address}:${port}`, '--', destination], { timeout: 10_000 });
    if (exitCode !== 0) throw new KubekeepError('host-unreachable', `${name}: forwarding to ${address}:${port}: ${stderr.trim() || 'no answer'}`);
    return path;
  };
  return {
    dial: async (address, port) => {
      const key = `${address}:${port}`;
      const path = sockets.get(key) ?? forward(address, port, socketPath(base, sockets.size));
      sockets.set(key, path);
      path.catch(() => sockets.delete(key));
      return dialSocket({ path: await path });
    },
  };
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const killed = setTimeout(() => child.kill('SIGKILL'), 1000);
  await ended;
  clearTimeout(killed);
}
