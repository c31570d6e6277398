import type { Cluster, ExternalCluster } from '../../cluster/cluster.ts';
import { findProblems } from '../../cluster/parse-cluster-file.ts';
import type { Problem } from '../../cluster/problem.ts';
import { survives } from '../../cluster/topologies.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption, parseAnyClusterText, readClusterText } from '../cluster-file.ts';

interface Validation {
  readonly valid: boolean;
  /** As it was given. */
  readonly file: string;
  readonly problems: readonly Problem[];
  readonly cluster?: Cluster | ExternalCluster;
  /** The loss of which hosts the API survives, in words; not where somebody else built the cluster. */
  readonly survives?: string;
}

/** `validate`: is the cluster file right, and what does it describe? Asks no host. */
export const addValidate: AddCommand = (program, cli, exit) => {
  program
    .command('validate')
    .description('Check the cluster file and say what it survives. Asks no host.')
    .addOption(clusterFileOption())
    .action(async ({ file }: { readonly file: string }) => {
      const text = await readClusterText(file);
      const problems = findProblems(text);
      if (cli.json && problems.length > 0) {
        exit(2);
        const data: Validation = { valid: false, file, problems };
        return cli.print({ kind: 'Validation', data: { ...data }, text: '' });
      }
      const { cluster } = parseAnyClusterText(text, file);
      const external = 'external' in cluster;
      const data: Validation = { valid: true, file, problems, cluster, ...(!external && { survives: survives(cluster) }) };
      cli.print({ kind: 'Validation', data: { ...data }, text: external ? describeExternal(cluster, file) : describe(cluster, file) });
    });
};

function describe(cluster: Cluster, file: string): string {
  const { name, endpoint, kubernetes, etcd, hosts } = cluster;
  const rows = hosts.map((host) => [host.name, host.address, host.roles.join(', ')]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return [
    `${file} is valid.`,
    '',
    `cluster   ${name}`,
    `endpoint  ${[...endpoint.names, endpoint.vip].map((address) => `${address}:${endpoint.port}`).join(', ')}`,
    `versions  Kubernetes ${kubernetes.version}, etcd ${etcd.version}`,
    `survives  ${survives(cluster)}`,
    '',
    ...rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')),
  ].join('\n');
}

function describeExternal({ name, external, backup }: ExternalCluster, file: string): string {
  return [
    `${file} is valid.`,
    '',
    `cluster   ${name}, which kubekeep did not build: it is backed up, and nothing in it is changed`,
    `etcd      ${external.etcd.endpoints.join(', ')}`,
    `backups   ${backup?.repository ?? 'nowhere: add spec.backup'}`,
  ].join('\n');
}
