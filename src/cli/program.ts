import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import type { Cli } from './cli.ts';
import { commands } from './commands.ts';

/** The program with all its commands, not yet run; `exit` sets the exit code of a command that ends without an error. */
export function buildProgram(cli: Cli, exit: (code: number) => void): Command {
  const program = new Command('kubekeep')
    .description('Keeps a Kubernetes control plane up, and keeps its data.')
    .version((JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version)
    .option('--json', 'one JSON document on stdout, progress as NDJSON on stderr')
    .option('--quiet', 'no progress')
    .showHelpAfterError('(--help lists what there is)')
    .exitOverride();
  for (const add of commands) add(program, cli, exit);
  return program;
}
