import { CommanderError } from 'commander';
import { createInterface } from 'node:readline/promises';
import { systemClock } from '../lib/clock.ts';
import { KubekeepError, toKubekeepError } from '../lib/errors.ts';
import type { Cli } from './cli.ts';
import { readEnvironment, type Environment } from './env.ts';
import { forTerminal } from './for-terminal.ts';
import { createProgress } from './progress.ts';
import { buildProgram } from './program.ts';
import { reportError } from './report-error.ts';

// What stands behind -- belongs to another program.
const ownArguments = process.argv.slice(2, process.argv.includes('--') ? process.argv.indexOf('--') : undefined);
const json = ownArguments.includes('--json');
const interruption = new AbortController();
const interruptions = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Said to nobody: who asked has gone. */
const unread = new KubekeepError('interrupted', 'nobody reads what is printed any more');

process.exitCode = await main();

async function main(): Promise<number> {
  for (const signal of interruptions) process.on(signal, interrupt);
  // A pipe that is gone would end the program in the middle of what it cleans up.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => interruption.abort(unread));
  let exitCode = 0;
  const program = await buildProgram(createCli(), (code) => (exitCode = code), ownArguments);
  try {
    await program.parseAsync();
    return exitCode;
  } catch (caught) {
    if (caught instanceof CommanderError) return caught.exitCode === 0 ? 0 : wrongWords(caught);
    const error = interruption.signal.aborted ? toKubekeepError(interruption.signal.reason) : toKubekeepError(caught);
    if (error === unread) return error.exitCode;
    report(error);
    return error.exitCode;
  }
}

/** Commander has told people already. */
function wrongWords({ code, message }: CommanderError): number {
  if (json) report(new KubekeepError('usage', code === 'commander.help' ? 'no command was given' : message.replace(/^error: /, ''), { hint: '--help lists what there is.' }));
  return 2;
}

function report(error: KubekeepError): void {
  reportError(error, { json, write: json ? (text) => process.stdout.write(text) : tell });
}

/** To whoever looks on. */
function tell(text: string): void {
  process.stderr.write(process.stderr.isTTY ? forTerminal(text) : text);
}

/**
 * The first signal asks for an end at a safe point, a later one ends the program at once. Later means half a second: where an older Node started this
 * one, a Ctrl-C comes twice, from the terminal and from that Node.
 */
function interrupt(signal: NodeJS.Signals): void {
  interruption.abort(new KubekeepError('interrupted', `stopped by ${signal}`, { hint: 'Run the same command again to go on.' }));
  setTimeout(() => interruptions.forEach((one) => process.removeAllListeners(one)), 500).unref();
}

function createCli(): Cli {
  const environment = readEnvironment();
  return {
    environment,
    clock: systemClock,
    signal: interruption.signal,
    json,
    progress: createProgress({
      mode: ownArguments.includes('--quiet') ? 'quiet' : json ? 'ndjson' : 'lines',
      colour: environment.colour && process.stderr.isTTY === true,
      clock: systemClock,
      write: tell,
    }),
    print: ({ kind, data, text }) => {
      const shown = json ? JSON.stringify({ apiVersion: 'kubekeep.dev/v1alpha1', kind, ...data }, null, 2) : process.stdout.isTTY ? forTerminal(text) : text;
      process.stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`);
    },
    confirm: async (question, about) => {
      // Who is asked sees what about; a program with --json reads documents alone.
      if (about !== undefined && (environment.interactive || !json)) tell(`${about}\n`);
      return /^y(es)?$/i.test((await ask(`${question} [y/N] `, environment)) ?? '');
    },
    ask: (question) => ask(question, environment),
  };
}

async function ask(question: string, { interactive }: Environment): Promise<string | undefined> {
  if (!interactive) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(forTerminal(question), { signal: interruption.signal })).trim();
  } finally {
    terminal.close();
  }
}
