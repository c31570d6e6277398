import { Option } from 'commander';
import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { exampleClusterFile } from '../../cluster/example-file.ts';
import { findProblems } from '../../cluster/parse-cluster-file.ts';
import { describeHosts, topologies, topologyTitles } from '../../cluster/topologies.ts';
import type { Topology } from '../../cluster/topologies.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';

interface Flags {
  readonly file: string;
  readonly topology: Topology;
  readonly name: string;
  readonly force?: true;
}

/** `init`: a commented cluster file to start from. */
export const addInit: AddCommand = (program, cli) => {
  program
    .command('init')
    .description('Write a commented cluster file to start from.')
    .addOption(clusterFileOption())
    .addOption(new Option('--topology <topology>', topologies.map((topology) => `${topology}: ${topologyTitles[topology]}`).join('; ')).choices(topologies).default('T3'))
    .option('--name <name>', 'name of the cluster', 'prod')
    .option('--force', 'replace a file that is there')
    .action(async ({ file, topology, name, force }: Flags) => {
      const hosts = describeHosts(topology).map((host, position) => ({ ...host, address: `10.0.0.${11 + position}` }));
      const text = exampleClusterFile({ name, vip: '10.0.0.100/24', hosts });
      // All else in the file is ours.
      if (findProblems(text).length > 0) throw new KubekeepError('usage', `a cluster cannot have the name ${JSON.stringify(name)}`, { hint: 'Use at most 63 lower-case letters, digits and dashes.' });
      await write(file, text, force === true);
      cli.print({ kind: 'ClusterFile', data: { file: resolve(file), name, topology }, text: nextSteps(file, topology) });
    });
};

async function write(file: string, text: string, replace: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: replace ? 'w' : 'wx' });
  } catch (caught) {
    const { code } = caught as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new KubekeepError('needs-confirmation', `${file} exists already and was left as it is`, { hint: 'Choose another file with --file, or replace it with --force.', cause: caught });
    throw new KubekeepError('file-missing', `${file} cannot be written (${code})`, { hint: 'Check that its folder exists and can be written to.', cause: caught });
  }
}

function nextSteps(file: string, topology: Topology): string {
  const option = file === 'cluster.yaml' ? '' : ` --file ${file}`;
  return [
    `Wrote ${file}: ${topologyTitles[topology]}.`,
    '',
    `1. Edit ${basename(file)}: the VIP and the names and addresses of your hosts.`,
    `2. kubekeep validate${option}      checks it and says what it survives`,
    `3. kubekeep hosts trust${option}   shows the SSH keys of the hosts and remembers them`,
    `4. kubekeep hosts check${option}   looks whether the hosts are fit`,
    `5. kubekeep apply${option}         builds the control plane`,
    '',
    'To try it without machines of your own: kubekeep lab up',
  ].join('\n');
}
