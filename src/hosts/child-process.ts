import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program in a process of its own. */
export interface ChildProgram {
  /** One line for its standard input; nothing where it has ended. */
  write(line: string): void;
  /** Sends it, and nothing that it started, a signal; nothing happens where it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Closes its standard input, which ends it, and waits. After `limit` milliseconds it is killed. */
  end(limit: number): Promise<ChildExit>;
  /** Its end, whoever brought it about, when all its lines were read. */
  readonly ended: Promise<ChildExit>;
}

export interface ChildExit {
  /** 255 where a signal ended it. */
  readonly exitCode: number;
  /** The last lines of its standard error. */
  readonly stderr: string;
}

export interface ChildOptions {
  /** Lines of its standard output. */
  onLine(line: string): void;
  /** Lines of its standard error. */
  onErrorLine?(line: string): void;
}

/**
 * Runs a script of kubekeep with the same Node. It is told things, secrets too, by its standard input only, and has to end when that closes: then it
 * does not outlive kubekeep. It gets a process group of its own: a Ctrl-C on the terminal reaches kubekeep alone, which ends it in order. Rejects
 * `ended` only where it cannot be started.
 */
export function startNode(script: string, { args = [], ...options }: ChildOptions & { readonly args?: readonly string[] }): ChildProgram {
  return startProgram(process.execPath, [script, ...args], options);
}

/** Runs a program of this computer in the same way; it has to end when its input closes, too. */
export function startProgram(program: string, args: readonly string[], { onLine, onErrorLine }: ChildOptions): ChildProgram {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)));
  // A program that has ended closes its input; its exit code says more than our EPIPE.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout }).on('line', onLine);
  if (onErrorLine) createInterface({ input: child.stderr }).on('line', onErrorLine);
  const allRead = new Promise<void>((resolve) => lines.once('close', resolve));
  const closed = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 255));
  });
  const ended = closed.then(async (exitCode) => {
    await allRead;
    return { exitCode, stderr: stderr.trim().split('\n').slice(-4).join(' | ') };
  });
  // Whoever waits for it hears of a failure; it must not end the whole program before.
  ended.catch(() => {});
  return {
    write: (line) => void child.stdin.write(`${line}\n`),
    kill: (signal) => void child.kill(signal),
    async end(limit) {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), limit);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
      }
    },
    ended,
  };
}
