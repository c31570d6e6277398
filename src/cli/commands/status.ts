import { openStatus } from '../../operations/status/open-status.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describeStatus } from '../describe-status.ts';
import { openOperation } from '../wire.ts';
import { clearing, lookAgain } from './_watch.ts';

/** `status`: what is true now. Exit 5 when something is not as it should be. */
export const addStatus: AddCommand = (program, cli, exit) => {
  program
    .command('status')
    .description('Show the state of the cluster: endpoint, hosts, etcd, load balancers, certificates, versions, drift. Changes nothing; exit code 5 when something is degraded.')
    .addOption(clusterFileOption())
    .option('-w, --watch', 'look again every 2 s until Ctrl-C')
    .action(async ({ file, watch = false }: { readonly file: string; readonly watch?: boolean }) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 2 });
      const view = openStatus(operation);
      try {
        await lookAgain(cli, { watch, exit }, async () => {
          const status = await view.look();
          exit(status.healthy ? 0 : 5);
          cli.print({ kind: 'ClusterStatus', data: { status }, text: `${clearing(watch)}${describeStatus(status, { colour: cli.environment.colour })}` });
        });
      } finally {
        view.close();
      }
    });
};
