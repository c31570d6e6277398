import { runProcess } from '../hosts/process.ts';
import { KubekeepError } from '../lib/errors.ts';

/** Runs a program of this computer and returns its standard output. Throws `lab-failed` (`tool-missing` where it is not installed). */
export async function tool(program: string, args: readonly string[], { input, signal }: { input?: string; signal?: AbortSignal | undefined } = {}): Promise<string> {
  const result = await attempt(program, args, { input, signal });
  if (result.exitCode === 0) return result.stdout;
  const why = result.stderr.trim().split('\n').slice(-3).join(' | ') || `exit code ${result.exitCode}`;
  throw new KubekeepError('lab-failed', `${program} ${args.slice(0, 3).join(' ')}: ${why}`);
}

/** The same for a command that may fail because there is nothing to do, for example deleting what is not there. */
export async function attempt(program: string, args: readonly string[], options: { input?: string | undefined; signal?: AbortSignal | undefined } = {}) {
  try {
    return await runProcess(program, args, options);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code !== 'ENOENT') throw caught;
    throw new KubekeepError('tool-missing', `${program} is not installed on this computer`, { hint: 'kubekeep lab up --yes installs what the lab needs.', cause: caught });
  }
}
