import { isEmpty } from '../../operations/plan/plan.ts';
import { preparePlan } from '../../operations/prepare-plan.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describePlan } from '../describe-plan.ts';
import { openOperation } from '../wire.ts';

/** `plan`: what apply would do. Reads only; exit 4 when there is something to do, 5 when there is nothing but a warning. */
export const addPlan: AddCommand = (program, cli, exit) => {
  program
    .command('plan')
    .description('Show what apply would change, and why. Changes nothing; exit code 4 when changes are pending, 5 when none are but there is a warning: a host does not answer, a service leads nowhere.')
    .addOption(clusterFileOption())
    .action(async ({ file }: { readonly file: string }) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 4 });
      const { plan } = await preparePlan(operation);
      exit(!isEmpty(plan) ? 4 : plan.warnings.length > 0 ? 5 : 0);
      cli.print({ kind: 'Plan', data: { plan }, text: describePlan(plan) });
    });
};
