import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Runs a program on the user's terminal: its input and output are ours, or with `beside` it has no input, and what it prints goes to stderr. Resolves to its exit code, 128 and the signal's number where a
 * signal ended it. Ctrl-C on a terminal reaches it directly; an abort ends it. Rejects where it cannot be started.
 */
export async function runInteractive(command: readonly string[], signal?: AbortSignal, { beside = false }: { readonly beside?: boolean } = {}): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: beside ? ['ignore', 2, 2] : 'inherit' });
  const onAbort = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, ended) => resolve(code ?? 128 + (ended ? constants.signals[ended] : 127)));
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
