import { openStatus } from '../../operations/status/open-status.ts';
import type { ClusterStatus } from '../../operations/status/cluster-status.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describeStatus } from '../describe-status.ts';
import { openOperation } from '../wire.ts';

/** ms between two looks of `--watch`. */
const pause = 2000;

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
        do {
          const status = await view.look();
          exit(status.healthy ? 0 : 5);
          show(cli, status, watch);
          if (watch) await cli.clock.sleep(pause, cli.signal);
        } while (watch);
      } catch (error) {
        // Ctrl-C is how a watch ends.
        if (!(watch && cli.signal.aborted)) throw error;
        exit(130);
      } finally {
        view.close();
      }
    });
};

/** On a terminal each look of a watch takes the place of the one before. */
function show(cli: Cli, status: ClusterStatus, watch: boolean): void {
  const clear = watch && process.stdout.isTTY === true ? '\x1b[H\x1b[2J' : '';
  cli.print({ kind: 'ClusterStatus', data: { status }, text: `${clear}${describeStatus(status, { colour: cli.environment.colour })}` });
}
