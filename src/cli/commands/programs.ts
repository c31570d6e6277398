import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { programSources } from '../../cluster/cluster.ts';
import type { ProgramsSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { openCache } from '../../programs/cache.ts';
import { fetchPrograms, programsFolder } from '../../programs/fetch-programs.ts';
import { defaultVersions, familyOf, isProgramName, platformOf, programNames } from '../../programs/program.ts';
import type { Program, ProgramName } from '../../programs/program.ts';
import type { Cli } from '../cli.ts';
import type { AddCommand } from '../add-command.ts';

interface FetchFlags {
  readonly source?: ProgramsSpec['source'];
  readonly directory?: string;
  readonly mirror?: string;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly trustFirst?: true;
}

/** `programs list` and `programs fetch`. */
export const addPrograms: AddCommand = (program, cli) => {
  const group = program.command('programs').description('Programs in the cache of this computer, and getting them before they are needed.');
  addFetch(group, cli);
};

function addFetch(group: Command, cli: Cli): void {
  group
    .command('fetch')
    .description('Put programs into the cache.')
    .argument('[names...]', 'programs (default: all)', (word: string, before: readonly ProgramName[] = []) => [...before, programName(word)])
    .addOption(new Option('--source <source>', 'where to get them from').choices(programSources))
    .option('--kubernetes-version <version>', 'version of the Kubernetes programs', versionNumber, defaultVersions.kubernetes)
    .option('--etcd-version <version>', 'version of the etcd programs', versionNumber, defaultVersions.etcd)
    .action(async (names: readonly ProgramName[], flags: FetchFlags) => {
      const versions = { kubernetes: flags.kubernetesVersion, etcd: flags.etcdVersion };
      const chosen = names.length > 0 ? names : programNames;
      const wanted = chosen.map((name): Program => ({ name, version: versions[familyOf(name)], platform: thisPlatform() }));
      const programs = await fetchPrograms(wanted, {
        source: { source: flags.source ?? 'auto' },
        cacheFolder: cli.environment.cacheFolder,
        progress: cli.progress,
        clock: cli.clock,
        signal: cli.signal,
      });
      cli.print({ kind: 'ProgramList', data: { programs }, text: programs.map((one) => `${one.name} ${one.version} ${one.sha256.slice(0, 12)}`).join('\n') });
    });
}

function programName(word: string): ProgramName {
  if (isProgramName(word)) return word;
  throw new InvalidArgumentError(`There is no such program; there are ${programNames.join(', ')}.`);
}

function versionNumber(word: string): string {
  const version = word.replace(/^v/, '');
  if (/^\d+\.\d+\.\d+$/.test(version)) return version;
  throw new InvalidArgumentError('A version looks like 1.37.2.');
}

function thisPlatform(): Program['platform'] {
  const platform = platformOf(process.arch);
  if (platform) return platform;
  throw new KubekeepError('program-unavailable', `there are no programs for this computer's architecture (${process.arch})`);
}
