import { KubekeepError } from '../lib/errors.ts';
import { runCommand } from './_run-command.ts';
import type { SourceContext } from './source.ts';

const oldestGo = [1, 26] as const;

/** A go command that can compile the programs: the computer's own where it is new enough. */
export async function findGo({ signal }: SourceContext): Promise<string> {
  const { exitCode, lines } = await runCommand(['go', 'env', 'GOVERSION'], { signal, environment: { GOTOOLCHAIN: 'local' } });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(lines[0] ?? '') ?? [];
  if (exitCode === 0 && (Number(major) > oldestGo[0] || (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1]))) return 'go';
  throw new KubekeepError('tool-missing', 'Go 1.26 is needed');
}
