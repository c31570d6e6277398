import { Argument, Option, type Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import { changeServers } from '../../operations/balancing/change-servers.ts';
import type { Change } from '../../operations/balancing/choose-servers.ts';
import { compareBalancers, doAsTold } from '../../operations/balancing/compare-balancers.ts';
import { lookAtBalancers } from '../../operations/balancing/look-at-balancers.ts';
import { rebalance } from '../../operations/balancing/rebalance.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describeBalancing } from '../describe-balancing.ts';
import { describeRebalanced } from '../describe-rebalanced.ts';
import { openOperation } from '../wire.ts';
import { clearing, lookAgain } from './_watch.ts';

type Exit = (code: number) => void;

/** `lb list|watch|drain|maint|ready|weight|rebalance`: servers on all load balancers at once, and who has the VIPs of services. */
export const addLb: AddCommand = (program, cli, exit) => {
  const group = program.command('lb').description('The servers behind the load balancers, on all of them at once: API servers (service "api") and the nodes of services.');
  addLook(group, cli, exit, { name: 'list', watch: false, description: 'List the servers of each service: state, weight, connections, last check. Changes nothing; exit code 5 when balancers differ, do not answer, or a service has no server.' });
  addLook(group, cli, exit, { name: 'watch', watch: true, description: 'The same again every 2 s until Ctrl-C.' });
  addChange(group, cli, exit, 'drain', 'Send no new connections to a server; the ones that are open stay. Lasts until lb ready.');
  addChange(group, cli, exit, 'maint', 'Send no new connections to a server and close the ones that are open. Lasts until lb ready.');
  addChange(group, cli, exit, 'ready', 'Take back what was done by hand: health checks, load and the state of its node decide again.');
  addWeight(group, cli, exit);
  addRebalance(group, cli);
};

function addLook(group: Command, cli: Cli, exit: Exit, { name, watch, description }: { readonly name: string; readonly watch: boolean; readonly description: string }): void {
  group
    .command(name)
    .description(description)
    .addOption(clusterFileOption())
    .action(async ({ file }: { readonly file: string }) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 2 });
      await lookAgain(cli, { watch, exit }, async () => {
        const balancing = compareBalancers(await lookAtBalancers(operation));
        exit(balancing.good ? 0 : 5);
        cli.print({ kind: 'Balancing', data: { balancing }, text: `${clearing(watch)}${describeBalancing(balancing)}` });
      });
    });
}

interface ChangeFlags {
  readonly file: string;
  readonly evenLast?: boolean;
}

const servers = () => new Argument('<server...>', 'SERVICE/NODE, or NODE for every service that has it');

function addChange(group: Command, cli: Cli, exit: Exit, change: 'drain' | 'maint' | 'ready', description: string): void {
  const command = group.command(change).description(description).addArgument(servers()).addOption(clusterFileOption());
  if (change !== 'ready') command.addOption(new Option('--even-last', 'also where a service then has no server that is up'));
  command.action((words: readonly string[], flags: ChangeFlags) => perform(cli, exit, words, change, flags));
}

function addWeight(group: Command, cli: Cli, exit: Exit): void {
  group
    .command('weight')
    .description('Let a server take connections with this weight, whatever its load, until lb ready; an API server where spec.endpoint.load is true.')
    .addArgument(new Argument('<server>', 'SERVICE/NODE, or NODE for every service that has it'))
    .addArgument(new Argument('<percent>', '1% to 100% of its usual share'))
    .addOption(clusterFileOption())
    .action((word: string, percent: string, flags: ChangeFlags) => perform(cli, exit, [word], { weight: percentOf(percent) }, flags));
}

function percentOf(text: string): number {
  const [, digits = '0'] = /^(\d{1,3})%?$/.exec(text) ?? [];
  const percent = Number(digits);
  if (percent >= 1 && percent <= 100) return percent;
  throw new KubekeepError('usage', `${text} is no weight between 1% and 100%`, { hint: 'kubekeep lb drain takes a server out.' });
}

function addRebalance(group: Command, cli: Cli): void {
  group
    .command('rebalance')
    .description('Spread the VIPs of services over the load balancers again, after a failure has brought them together. Shows first which goes where; touches nothing unless all load balancers are ready.')
    .addOption(clusterFileOption())
    .option('--dry-run', 'show which VIP would go where, and move none')
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .action(async ({ file, dryRun = false, yes = false }: { readonly file: string; readonly dryRun?: boolean; readonly yes?: boolean }) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 5 });
      const { moves, performed } = await rebalance(operation, {
        dryRun,
        confirm: async (planned) => {
          for (const title of describeRebalanced({ moves: planned, performed: false }).split('\n')) cli.progress({ type: 'note', title });
          return yes || (cli.environment.interactive && (await cli.confirm('Move them?')));
        },
      });
      cli.print({ kind: 'Rebalanced', data: { moves, performed }, text: describeRebalanced({ moves, performed }) });
    });
}

/** Exit code 5 where a balancer was left out, or does not do what it was told. */
async function perform(cli: Cli, exit: Exit, words: readonly string[], change: Change, { file, evenLast = false }: ChangeFlags): Promise<void> {
  await using operation = await openOperation(cli, { file, connectTimeout: 5 });
  const balancing = await changeServers(operation, words, change, { evenLast });
  exit(balancing.silent.length === 0 && balancing.servers.every(doAsTold) ? 0 : 5);
  cli.print({ kind: 'Balancing', data: { balancing }, text: describeBalancing(balancing) });
}
