import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import type { Cli } from '../../src/cli/cli.ts';

/** Every command with its arguments and options, as Markdown, in the order of `--help`. */
export async function describeCommands(): Promise<string> {
  const program = await buildProgram(placeholder, () => {});
  return [
    '## Every command',
    optionTable(program),
    ...program.commands.flatMap((command) => describe(command, ['kubekeep'])),
  ].filter((part) => part !== '').join('\n\n');
}

/** Stands in for what the terminal gives; defaults made from it read the same on every computer. */
const placeholder: Cli = {
  environment: { cacheFolder: '~/.cache/kubekeep', runtimeFolder: '/run/kubekeep', colour: false, interactive: false, identityFile: undefined, user: 'root' },
  clock: { now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve() },
  signal: new AbortController().signal,
  json: false,
  progress: () => {},
  print: () => {},
  confirm: () => Promise.resolve(false),
  ask: () => Promise.resolve(undefined),
};

function describe(command: Command, parents: readonly string[]): readonly string[] {
  const path = [...parents, command.name()];
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
    return argument.required ? name : `[${name}]`;
  });
  const children = command.commands.flatMap((child) => describe(child, path));
  return [`## \`${[...path, ...words].join(' ')}\``, sentence(command.description()), argumentTable(command), optionTable(command), ...children];
}

function argumentTable(command: Command): string {
  const rows = command.registeredArguments.filter(({ description }) => description).map((argument) => `| \`${argument.name()}\` | ${cell(argument.description)} |`);
  return rows.length === 0 ? '' : ['| argument | means |', '| --- | --- |', ...rows].join('\n');
}

function optionTable(command: Command): string {
  const rows = command.options.filter(({ hidden }) => !hidden).map(({ flags, description, defaultValue, defaultValueDescription, mandatory }) => {
    const fallback = defaultValueDescription ?? (typeof defaultValue === 'string' || typeof defaultValue === 'number' ? String(defaultValue) : undefined);
    return `| \`${cell(flags)}\` | ${cell(description)}${mandatory && fallback === undefined ? ' (required)' : ''}${fallback === undefined ? '' : ` (default: ${cell(fallback)})`} |`;
  });
  return rows.length === 0 ? '' : ['| option | means |', '| --- | --- |', ...rows].join('\n');
}

function sentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
