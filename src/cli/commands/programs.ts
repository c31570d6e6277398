import { InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { programSources, type ProgramsSpec } from '../../cluster/cluster.ts';
import { parseVersion } from '../../cluster/versions.ts';
import { openCache, type CacheEntry } from '../../programs/cache.ts';
import { fetchPrograms, programsFolder } from '../../programs/fetch-programs.ts';
import { defaultVersions, familyOf, isProgramName, platforms, programNames, usualPrograms } from '../../programs/program.ts';
import type { Platform, Program, ProgramFamily, ProgramName } from '../../programs/program.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption, readClusterFile } from '../cluster-file.ts';
import { megabytes } from '../megabytes.ts';
import { thisPlatform } from '../this-platform.ts';

interface WantedFlags {
  readonly file: string;
  readonly platform?: Platform;
  readonly kubernetesVersion?: string;
  readonly etcdVersion?: string;
}

interface FetchFlags extends WantedFlags {
  readonly source?: ProgramsSpec['source'];
  readonly directory?: string;
  readonly mirror?: string;
  readonly trustFirst?: true;
  readonly yes?: true;
}

/** One row of `programs list`. */
type ListRow = Program & Partial<CacheEntry> & { readonly cached: boolean };

/** `programs list` and `programs fetch`. */
export const addPrograms: AddCommand = (program, cli) => {
  const group = program.command('programs').description('The programs that go onto hosts: what is in the cache of this computer, and getting them before they are needed.');
  addList(group, cli);
  addFetch(group, cli);
};

function addList(group: Command, cli: Cli): void {
  const command = group.command('list').description('List the programs that are wanted and those in the cache.').option('--verify', 'read every file again and remove broken ones');
  addWantedOptions(command).action(async (flags: WantedFlags & { readonly verify?: true }) => {
    const { wanted } = await chooseWanted(usualPrograms, flags, command);
    const cached = await openCache(programsFolder(cli.environment.cacheFolder), cli.clock).list({ verify: flags.verify === true });
    const rows: ListRow[] = [
      ...cached.map((one) => ({ ...one, cached: true })),
      ...wanted.filter((one) => !cached.some((other) => same(one, other))).map((one) => ({ ...one, cached: false })),
    ].sort((a, b) => programNames.indexOf(a.name) - programNames.indexOf(b.name) || a.version.localeCompare(b.version, 'en', { numeric: true }));
    cli.print({ kind: 'ProgramList', data: { programs: rows }, text: table(rows) });
  });
}

function addFetch(group: Command, cli: Cli): void {
  const command = group
    .command('fetch')
    .description('Put programs into the cache of this computer.')
    .argument('[names...]', `programs (default: all of ${usualPrograms.join(', ')}; there is coredns too, of which labs make an image)`, (word: string, before: readonly ProgramName[] | undefined) => [...(before ?? []), programName(word)])
    .addOption(new Option('--source <source>', 'where missing programs come from (default: as in the cluster file, or auto)').choices(programSources))
    .option('--directory <folder>', 'the folder of --source directory')
    .option('--mirror <address>', 'base address of a mirror for --source release')
    .option('--trust-first', 'accept releases without a pinned SHA-256 and remember the sums of what came')
    .option('--yes', 'compile without asking');
  addWantedOptions(command).action(async (names: readonly ProgramName[], flags: FetchFlags) => {
    const { wanted, spec } = await chooseWanted(names.length > 0 ? names : usualPrograms, flags, command);
    const programs = await fetchPrograms(wanted, {
      source: sourceOf(spec, flags),
      cacheFolder: cli.environment.cacheFolder,
      progress: cli.progress,
      clock: cli.clock,
      signal: cli.signal,
      trustFirst: flags.trustFirst,
      confirm: cli.environment.interactive && !flags.yes ? cli.confirm : undefined,
    });
    const rows = programs.map((one) => ({ ...one, cached: true }));
    cli.print({ kind: 'ProgramList', data: { programs: rows }, text: table(rows) });
  });
}

function addWantedOptions(command: Command): Command {
  return command
    .addOption(clusterFileOption())
    .option('--kubernetes-version <version>', `version of the Kubernetes programs (default: as in the cluster file, or ${defaultVersions.kubernetes})`, versionNumber)
    .option('--etcd-version <version>', `version of the etcd programs (default: as in the cluster file, or ${defaultVersions.etcd})`, versionNumber)
    .addOption(new Option('--platform <platform>', 'platform of the hosts (default: as this computer)').choices(platforms));
}

/** The versions of the flags, else of the cluster file, else our own. The default cluster file need not exist. */
async function chooseWanted(names: readonly ProgramName[], flags: WantedFlags, command: Command): Promise<{ wanted: Program[]; spec: ProgramsSpec }> {
  const named = command.getOptionValueSource('file') !== 'default';
  const cluster = named || existsSync(flags.file) ? (await readClusterFile(flags.file)).cluster : undefined;
  const versions: Record<ProgramFamily, string> = {
    kubernetes: flags.kubernetesVersion ?? cluster?.kubernetes.version ?? defaultVersions.kubernetes,
    etcd: flags.etcdVersion ?? cluster?.etcd.version ?? defaultVersions.etcd,
    coredns: defaultVersions.coredns,
  };
  const platform = flags.platform ?? thisPlatform();
  return { wanted: names.map((name) => ({ name, version: versions[familyOf(name)], platform })), spec: cluster?.programs ?? { source: 'auto' } };
}

function sourceOf(spec: ProgramsSpec, { source, directory, mirror }: FetchFlags): ProgramsSpec {
  return {
    source: source ?? (directory === undefined ? spec.source : 'directory'),
    directory: directory === undefined ? spec.directory : resolve(directory),
    mirror: mirror ?? spec.mirror,
  };
}

function same(a: Program, b: Program): boolean {
  return a.name === b.name && a.version === b.version && a.platform === b.platform;
}

function table(rows: readonly ListRow[]): string {
  const cells = rows.map(({ name, version, platform, cached, size = 0, sha256 = '', origins = [] }) => {
    return [name, version, platform, cached ? megabytes(size) : '-', cached ? sha256.slice(0, 12) : '-', cached ? origins.join(', ') : 'not in cache'];
  });
  const all = [['PROGRAM', 'VERSION', 'PLATFORM', 'SIZE', 'SHA256', 'SOURCE'], ...cells];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => row.map((cell, column) => (column === 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd()).join('\n');
}

function programName(word: string): ProgramName {
  if (isProgramName(word)) return word;
  throw new InvalidArgumentError(`There is no such program; there are ${programNames.join(', ')}.`);
}

function versionNumber(word: string): string {
  const version = word.replace(/^v/, '');
  if (parseVersion(version)) return version;
  throw new InvalidArgumentError('A version looks like 1.37.2.');
}
