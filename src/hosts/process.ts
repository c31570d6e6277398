import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface ProcessOptions {
  readonly input?: string | Readable | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

export interface ProcessResult {
  /** 255 where a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/**
 * Runs a program of this computer to its end. Rejects only when it cannot be started or the signal fires. It gets a process group of its own: a
 * Ctrl-C on the terminal reaches kubekeep alone, and what is ended is ended with everything it started.
 */
export async function runProcess(program: string, args: readonly string[], { input, signal, timeout }: ProcessOptions = {}): Promise<ProcessResult> {
  signal?.throwIfAborted();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  let timedOut = false;
  const timer = timeout && setTimeout(() => {
    timedOut = true;
    endGroup(child, 'SIGKILL');
  }, timeout);
  const onAbort = () => endGroup(child, 'SIGTERM');
  signal?.addEventListener('abort', onAbort, { once: true });
  // A program that ends early closes its input; its exit code says more than our EPIPE.
  child.stdin.on('error', () => {});
  if (typeof input === 'object') void pipeline(input, child.stdin).catch(() => {});
  else child.stdin.end(input ?? '');
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 255));
    });
    signal?.throwIfAborted();
    return { exitCode, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), timedOut };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Ends a process started with `detached` and all that belong to its group. One that left the group cannot hold us by keeping its output open. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  const send = (what: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, what);
    } catch {
      // It ended by itself meanwhile.
    }
  };
  send(signal);
  setTimeout(() => {
    if (signal !== 'SIGKILL' && child.exitCode === null && child.signalCode === null) send('SIGKILL');
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, 1000).unref();
}
