import type { Command } from 'commander';
import { removeWorker, type RemovedWorker } from '../../operations/remove-worker.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation } from '../wire.ts';
import { lonePodsOption } from './_lone-pods.ts';

interface Flags {
  readonly file: string;
  readonly yes?: boolean;
  readonly skipUnreachable?: boolean;
  readonly deleteLonePods?: boolean;
}

/** `hosts remove`. */
export function addHostsRemove(group: Command, cli: Cli): void {
  group
    .command('remove')
    .argument('<host>', 'a worker of the cluster file, or a node that joined with the output of join-command')
    .description('Take a worker out of the cluster: its pods move to others, Kubernetes is taken off the host. Then take it out of the cluster file.')
    .addOption(clusterFileOption())
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .option('--skip-unreachable', 'go on where the host cannot be reached')
    .addOption(lonePodsOption())
    .action(async (host: string, { file, yes = false, skipUnreachable = false, deleteLonePods = false }: Flags) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 5 });
      const removed = await removeWorker(operation, host, {
        skipUnreachable,
        deleteLonePods,
        confirm: async () => yes || (cli.environment.interactive && (await cli.confirm(`Move the pods of ${host} to other workers${deleteLonePods ? ', delete those for good that no controller makes again' : ''} and take it out of cluster ${operation.cluster.name}?`))),
      });
      cli.print({ kind: 'RemovedWorker', data: { ...removed }, text: describe(removed) });
    });
}

function describe({ host, cleaned, managed }: RemovedWorker): string {
  if (!managed) return `${host} is no node of the cluster any more. It keeps what it has, and its kubelet can come back, until this is run there: kubeadm reset --force`;
  const first = cleaned ? `${host} is no node of the cluster any more, and nothing of it is left there.` : `${host} is no node of the cluster any more; it could not be reached and keeps what it has.`;
  return `${first}\nNow take ${host} out of the cluster file, then run kubekeep apply.`;
}
