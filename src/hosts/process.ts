import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface ProcessOptions {
  readonly input?: string | Readable | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Runs a program of this computer to its end. Rejects only when it cannot be started or the signal fires. */
export async function runProcess(program: string, args: readonly string[], { input, signal, timeout }: ProcessOptions = {}): Promise<ProcessResult> {
  signal?.throwIfAborted();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  let timedOut = false;
  const timer = timeout && setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeout);
  const onAbort = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', onAbort, { once: true });
  // A program that ends early closes its input; its exit code says more than our EPIPE.
  child.stdin.on('error', () => {});
  if (typeof input === 'object') void pipeline(input, child.stdin).catch(() => child.kill('SIGTERM'));
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
