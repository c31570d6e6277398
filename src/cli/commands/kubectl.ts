import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInteractive } from '../../hosts/run-interactive.ts';
import { existingSecrets } from '../../operations/existing-secrets.ts';
import { userKubeconfig } from '../../operations/user-kubeconfig.ts';
import { fetchPrograms } from '../../programs/fetch-programs.ts';
import { defaultVersions } from '../../programs/program.ts';
import { throwAwayFolder } from '../../programs/throw-away-folder.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption, readClusterFile } from '../cluster-file.ts';
import { thisPlatform } from '../this-platform.ts';
import { openOperation } from '../wire.ts';

/** `kubectl`: the program of the cluster's version, with a kubeconfig that lives as long as it runs. */
export const addKubectl: AddCommand = (program, cli, exit) => {
  const command = program
    .command('kubectl')
    .description("Run kubectl of the cluster's version (after --). Without --kubeconfig or KUBECONFIG it gets a kubeconfig for the cluster of the cluster file, removed afterwards.")
    .argument('[words...]', 'what to say to kubectl')
    .addOption(clusterFileOption());
  command.action(async (words: readonly string[], { file }: { readonly file: string }) => {
    const named = command.getOptionValueSource('file') !== 'default';
    const given = !named && (words.some((word) => /^--kubeconfig(=|$)/.test(word)) || cli.environment.kubeconfig !== undefined);
    const cluster = named || !given || existsSync(file) ? (await readClusterFile(file)).cluster : undefined;
    const wanted = { name: 'kubectl', version: cluster?.kubernetes.version ?? defaultVersions.kubernetes, platform: thisPlatform() } as const;
    const { cacheFolder, interactive } = cli.environment;
    const [kubectl] = await fetchPrograms([wanted], { source: cluster?.programs ?? { source: 'auto' }, cacheFolder, progress: cli.progress, clock: cli.clock, signal: cli.signal, confirm: interactive ? cli.confirm : undefined });
    const run = (environment: readonly string[]) => runInteractive(['env', ...environment, kubectl!.path, ...words], cli.signal);
    exit(given ? await run([]) : await withKubeconfig(cli, file, (path) => run([`KUBECONFIG=${path}`])));
  });
};

/** The file is readable by this user only and is gone when the work has ended, or kubekeep in any way. Not in the runtime folder, which whoever came first may own. */
async function withKubeconfig<T>(cli: Cli, file: string, work: (path: string) => Promise<T>): Promise<T> {
  await using operation = await openOperation(cli, { file, connectTimeout: 4 });
  const { secrets } = await existingSecrets(operation);
  const { content } = await userKubeconfig(operation.cluster, secrets, { user: cli.environment.user, days: 1, now: cli.clock.now() });
  await using folder = await throwAwayFolder(join(tmpdir(), 'kubekeep-kubectl-'));
  const path = join(folder.path, 'kubeconfig');
  await writeFile(path, content.reveal(), { mode: 0o600 });
  return await work(path);
}
