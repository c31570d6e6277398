import { apply } from '../../operations/apply.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describePlan } from '../describe-plan.ts';
import { openOperation } from '../wire.ts';

interface Flags {
  readonly file: string;
  readonly yes?: boolean;
  readonly trustFirst?: boolean;
}

/** `apply`: makes the hosts what the cluster file says. */
export const addApply: AddCommand = (program, cli) => {
  program
    .command('apply')
    .description('Build the cluster, or change it to what the cluster file says, one host at a time where it serves already.')
    .addOption(clusterFileOption())
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .option('--trust-first', 'accept a release that has no pinned checksum, and remember the checksum')
    .action(async ({ file, yes, trustFirst = false }: Flags) => {
      await using operation = await openOperation(cli, { file, trustFirst });
      const { plan, changes } = await apply(operation, {
        confirm: async (proposed) => {
          if (yes) return true;
          process.stderr.write(`${describePlan(proposed)}\n`);
          return cli.confirm(`Apply ${proposed.phases.flatMap(({ steps }) => steps).length} changes to cluster ${proposed.cluster}?`);
        },
      });
      const text = changes === 0 ? `${plan.cluster}: 0 changes, everything is as the cluster file says.` : `${plan.cluster}: ${changes} changes made.\n  → kubekeep status --file ${file}`;
      cli.print({ kind: 'ApplyResult', data: { changes, plan }, text });
    });
};
