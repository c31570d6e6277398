import { KubekeepError } from '../lib/errors.ts';
import { runProcess, type ProcessOptions, type ProcessResult } from './process.ts';

/** How ssh is started: it ends when kubekeep ends, also by a kill -9, and asks nothing, neither on the terminal nor in a window. */
export const sshCommand = ['setpriv', '--pdeathsig', 'TERM', 'env', 'SSH_ASKPASS_REQUIRE=never', 'LC_ALL=C', 'ssh'] as const;

/** Runs ssh to its end. Throws `tool-missing` where this computer has none. */
export async function runSsh(args: readonly string[], options: ProcessOptions): Promise<ProcessResult> {
  const [program, ...words] = sshCommand;
  const result = await runProcess(program, [...words, ...args], options).catch((cause: unknown) => {
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT' ? toolMissing('setpriv', 'util-linux', cause) : cause;
  });
  if (result.exitCode === 127 && /^env: .ssh.: No such file/m.test(result.stderr)) throw toolMissing('ssh', 'openssh-client');
  return result;
}

export function toolMissing(program: string, packageName: string, cause?: unknown): KubekeepError {
  return new KubekeepError('tool-missing', `the program ${program} is not installed on this computer`, { hint: `Run: apt-get install -y ${packageName}`, cause });
}
