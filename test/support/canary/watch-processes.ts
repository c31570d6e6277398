import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fromRepository } from '../from-repository.ts';
import type { Canary } from './canaries.ts';

export interface Watched {
  /** "arguments of PROGRAM: SECRET". */
  readonly seen: readonly string[];
  /** How often it looked at the processes of this computer. */
  readonly looks: number;
  /** How many different command lines it saw. */
  readonly processes: number;
}

export interface Watch extends Disposable {
  end(canaries: readonly Canary[]): Promise<Watched>;
}

/** Watches the arguments and environments of all processes of this computer until it is told what to look for. */
export async function watchProcesses(): Promise<Watch> {
  const child = spawn(process.execPath, [fromRepository('test/support/canary/watch-program.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    async end(canaries) {
      const said = text(child.stdout);
      child.stdin.end(JSON.stringify(canaries));
      return JSON.parse(await said) as Watched;
    },
    [Symbol.dispose]: () => void child.kill(),
  };
}
