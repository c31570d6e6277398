import { fileURLToPath } from 'node:url';
import { startNode } from '../../hosts/child-process.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Stage } from '../stage.ts';

const program = fileURLToPath(new URL('../../../bin/kubekeep.mjs', import.meta.url));

/** A `kubekeep apply` of its own, as somebody else would run it. */
export interface SecondOperator {
  /** Resolves when so many steps were begun; to the last one, "cp1/etcd". Throws `not-healthy` where it ended before. */
  begun(count: number): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Its end; after `limit` milliseconds it is killed. */
  ended(limit: number): Promise<OperatorEnd>;
}

export interface OperatorEnd {
  readonly exitCode: number;
  /** Of the error that it ended with. */
  readonly code: string | undefined;
  readonly message: string;
}

/** Throws `drill-refused` where the cluster has no file that it could be given. */
export function startApply({ operation: { file } }: Pick<Stage, 'operation'>): SecondOperator {
  if (file === undefined) throw new KubekeepError('drill-refused', 'a second kubekeep needs the cluster file, and this cluster has none', { hint: 'kubekeep drill run works on the cluster of a file.' });
  const steps: string[] = [];
  const waiting = new Set<() => void>();
  let error: { readonly code: string; readonly message: string } | undefined;
  const child = startNode(program, {
    args: ['apply', '--yes', '--json', '--file', file],
    onLine: (line) => (error = read<{ error?: typeof error }>(line)?.error ?? error),
    onErrorLine(line) {
      const event = read<{ type?: string; step?: string }>(line);
      if (event?.type === 'started' && event.step !== undefined) steps.push(event.step);
      waiting.forEach((look) => look());
    },
  });
  return {
    kill: child.kill,
    begun: (count) => new Promise((resolve, reject) => {
      const look = () => {
        if (steps.length >= count) resolve(steps[count - 1]!);
      };
      waiting.add(look);
      look();
      void child.ended.then(({ exitCode, stderr }) => reject(new KubekeepError('not-healthy', `apply ended with ${exitCode} after ${steps.length} steps, before the one that was waited for: ${error?.message ?? stderr}`)), reject);
    }),
    async ended(limit) {
      const timer = setTimeout(() => child.kill('SIGKILL'), limit);
      const { exitCode, stderr } = await child.ended.finally(() => clearTimeout(timer));
      return { exitCode, code: error?.code, message: error?.message ?? stderr };
    },
  };
}

/** A line that is one JSON document. */
function read<T>(line: string): T | undefined {
  try {
    return line.startsWith('{') ? (JSON.parse(line) as T) : undefined;
  } catch {
    return undefined;
  }
}
