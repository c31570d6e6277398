import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { KubekeepError } from '../lib/errors.ts';

export interface CommandOptions {
  readonly cwd?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Set for the command in addition to what kubekeep itself was started with; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called with every line of output (stdout and stderr). */
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface CommandResult {
  /** Null when a signal ended it; 127 when there is no such program. */
  readonly exitCode: number | null;
  /** The last 200 lines of stdout and stderr, as they came. */
  readonly lines: readonly string[];
}

/**
 * Runs a program of this computer to its end. On abort it is ended together with everything it started, and then the signal's reason is
 * thrown.
 */
export async function runCommand(command: readonly string[], { cwd, signal, environment = {}, onLine }: CommandOptions = {}): Promise<CommandResult> {
  signal?.throwIfAborted();
  // env(1) changes variables for the command alone; its own group lets one kill reach the compilers that go starts.
  const changes = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? ['-u', name] : []));
  const settings = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  // And where kubekeep itself is killed, the kernel ends the command, so that nothing goes on writing behind the next kubekeep's back.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'env', ...changes, ...settings, ...command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...(cwd && { cwd }) });
  const killGroup = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  };
  signal?.addEventListener('abort', killGroup, { once: true });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > 200) lines.shift();
      onLine?.(line);
    });
  }
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      const notStarted = (cause: Error) =>
        reject(new KubekeepError('tool-missing', 'the program setpriv is not installed on this computer', { hint: 'Run: apt-get install -y util-linux', cause }));
      child.once('error', notStarted).once('close', resolve);
    });
    signal?.throwIfAborted();
    return { exitCode, lines };
  } finally {
    signal?.removeEventListener('abort', killGroup);
  }
}
