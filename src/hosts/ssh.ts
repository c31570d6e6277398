import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { KubekeepError } from '../lib/errors.ts';
import type { Host, RunResult } from './host.ts';
import { expectSuccess } from './local.ts';
import { runProcess, type ProcessOptions, type ProcessResult } from './process.ts';
import { quote } from './quote.ts';
import { receiveScript, writeScript } from './write-script.ts';
import { explainSshFailure } from './_explain-ssh-failure.ts';

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
  /** Folder for control sockets; its path must be short (a unix socket's path has at most 108 bytes). */
  readonly folder: string;
  /** known_hosts file with the keys that `hosts trust` accepted, by host name; used where the target pins none. */
  readonly knownHosts: string;
  /** Seconds to wait for a connection. */
  readonly connectTimeout?: number | undefined;
}

/** A marker line before a script's own output: what a login shell prints before it (banners, rc files) is dropped. */
const marker = '\u001ekubekeep\u001e';
let connections = 0;

/**
 * A host reached with the OpenSSH client, so that the user's configuration, agents and jump hosts work. One connection (ControlMaster) is
 * shared by everything that runs on the host; it is made on first use and ends by itself 30 s after the last use, also when kubekeep is killed.
 */
export function sshHost(target: SshTarget, options: SshOptions): Host {
  const { name, user } = target;
  const base = join(options.folder, `${process.pid}-${connections++}`);
  const control = `${base}.ctl`;
  const become = user === 'root' ? '' : 'sudo -n ';
  let connected: Promise<void> | undefined;
  let forwards = 0;

  const ssh = (args: readonly string[], process: ProcessOptions) => runProcess('ssh', ['-S', control, '-o', 'BatchMode=yes', ...args], process);
  const connect = (signal?: AbortSignal) =>
    (connected ??= open(target, options, base, signal).catch((error: unknown) => {
      connected = undefined;
      throw error;
    }));
  const session = async (command: string, process: ProcessOptions): Promise<ProcessResult> => {
    await connect(process.signal);
    // -l keeps the configured user from mattering: the session runs over the open connection.
    const result = await ssh(['-T', '-p', String(target.port), '-l', user, target.address, command], process);
    if (result.exitCode === 255 && !result.timedOut) {
      connected = undefined;
      throw explainSshFailure(target, result.stderr);
    }
    return result;
  };

  const host: Host = {
    name,
    async run(script, { signal, timeout = 60_000 } = {}): Promise<RunResult> {
      const start = performance.now();
      const result = await session(`exec ${become}sh -s`, { input: `echo ${quote(marker)}\n${script}`, signal, timeout });
      const begin = result.stdout.indexOf(`${marker}\n`);
      if (begin < 0 && !result.timedOut) throw explainSshFailure(target, result.stderr);
      return { ...result, host: name, stdout: result.stdout.slice(begin + marker.length + 1), duration: performance.now() - start };
    },
    async write(files, runOptions) {
      expectSuccess(await host.run(writeScript(files), runOptions), `writing ${files.map(({ path }) => path).join(', ')}`);
    },
    async upload({ source, target: path, mode, sha256 }, { signal, timeout = 1_800_000, onBytes } = {}) {
      let sent = 0;
      const counter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          onBytes?.((sent += chunk.length));
          done(null, chunk);
        },
      });
      const script = receiveScript({ target: path, mode, sha256 });
      const result = await session(`exec ${become}sh -c ${quote(script)}`, { input: createReadStream(source, { highWaterMark: 1 << 20 }).pipe(counter), signal, timeout });
      if (result.exitCode === 65) throw new KubekeepError('program-checksum', `${name}: ${path} arrived without its SHA-256 ${sha256}; it was not used`);
      expectSuccess({ ...result, host: name, duration: timeout }, `copying ${path}`);
    },
    async forward({ port, address = '127.0.0.1' }) {
      await connect();
      const socket = `${base}-${forwards++}.fwd`;
      const result = await ssh(['-O', 'forward', '-L', `${socket}:${address}:${port}`, target.address], { timeout: 10_000 });
      if (result.exitCode !== 0) throw new KubekeepError('host-unreachable', `${name}: forwarding to ${address}:${port}: ${result.stderr.trim()}`);
      return socket;
    },
    async close() {
      if (!connected) return;
      connected = undefined;
      await ssh(['-O', 'exit', target.address], { timeout: 5000 }).catch(() => {});
      await Promise.all([`${base}.known`, ...Array.from({ length: forwards }, (_, n) => `${base}-${n}.fwd`)].map((path) => rm(path, { force: true })));
    },
  };
  return host;
}

async function open(target: SshTarget, { folder, knownHosts, connectTimeout = 10 }: SshOptions, base: string, signal?: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const alias = `kubekeep-${target.name}`;
  if (target.hostKey) await writeFile(`${base}.known`, `${alias} ${target.hostKey}\n`, { mode: 0o600 });
  const result = await runProcess('ssh', [
    ...['-M', '-N', '-f', '-S', `${base}.ctl`, '-p', String(target.port), '-l', target.user],
    ...(target.identity ? ['-i', target.identity, '-o', 'IdentitiesOnly=yes'] : []),
    ...(target.jump ? ['-J', target.jump] : []),
    ...Object.entries({
      BatchMode: 'yes',
      ConnectTimeout: connectTimeout,
      ControlPersist: 30,
      ForwardAgent: 'no',
      GlobalKnownHostsFile: '/dev/null',
      HostKeyAlias: alias,
      LogLevel: 'ERROR',
      ServerAliveCountMax: 3,
      ServerAliveInterval: 5,
      StrictHostKeyChecking: 'yes',
      UserKnownHostsFile: target.hostKey ? `${base}.known` : knownHosts,
    }).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    target.address,
  ], { signal, timeout: (connectTimeout + 5) * 1000 });
  if (result.exitCode !== 0) throw explainSshFailure(target, result.timedOut ? 'Connection timed out' : result.stderr);
}
