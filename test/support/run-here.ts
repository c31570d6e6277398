import { KubekeepError } from '../../src/lib/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readEnvironment } from '../../src/cli/env.ts';
import { buildProgram } from '../../src/cli/program.ts';

export interface RanHere {
  readonly code: number;
  readonly stdout: string;
  /** The error's message and hint, and titles of progress. */
  readonly stderr: string;
}

/** Runs a command line of kubekeep in this process: the same commands, without the half second that a process takes to start. */
export async function runHere(...args: readonly string[]): Promise<RanHere> {
  const json = args.includes('--json');
  let [code, stdout, stderr] = [0, '', ''];
  const program = await buildProgram({
    environment: { ...readEnvironment(), colour: false, interactive: false },
    clock: systemClock,
    signal: new AbortController().signal,
    json,
    progress: ({ title }) => void (stderr += `${title}\n`),
    print: ({ kind, data, text }) => void (stdout += json ? JSON.stringify({ kind, ...data }) : text.endsWith('\n') ? text : `${text}\n`),
    confirm: async () => false,
    ask: async () => undefined,
  }, (found) => (code = found), args);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof KubekeepError)) throw error;
    return { code: error.exitCode, stdout, stderr: `${stderr}${error.message}\n${error.hint ?? ''}` };
  }
  return { code, stdout, stderr };
}
