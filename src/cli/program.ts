import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import type { Cli } from './cli.ts';
import { commands } from './commands.ts';

/**
 * The program, not yet run; `exit` sets the exit code of a command that ends without an error. With the words of a command line only the
 * command that they name is loaded; without, or where they name none (`--help`), all are.
 */
export async function buildProgram(cli: Cli, exit: (code: number) => void, words: readonly string[] = []): Promise<Command> {
  const program = new Command('kubekeep')
    .description('Keeps a Kubernetes control plane up, and keeps its data.')
    .version((JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version)
    .option('--json', 'one JSON document on stdout, progress as NDJSON on stderr')
    .option('--quiet', 'no progress')
    .showHelpAfterError('(--help lists what there is)')
    // With --json the error is a document, as all are.
    .configureOutput(cli.json ? { writeErr: () => {} } : {})
    .exitOverride();
  const named = words.find((word) => !word.startsWith('-')) ?? '';
  const wanted = Object.hasOwn(commands, named) ? [commands[named]!] : Object.values(commands);
  for (const load of wanted) (await load())(program, cli, exit);
  return program;
}
