import { InvalidArgumentError, Option } from 'commander';
import { duration } from '../../lib/duration.ts';
import { joinCommand } from '../../operations/join-command.ts';
import { joinedMachineNeeds } from '../../render/join-script.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation } from '../wire.ts';

/** `join-command`: prints one. */
export const addJoinCommand: AddCommand = (program, cli) => {
  program
    .command('join-command')
    .description('Print the script that makes a machine a node which kubekeep does not manage; it is run as root there. It contains a token with which any machine can join until it ends.')
    .addOption(clusterFileOption())
    .addOption(new Option('--ttl <time>', 'how long the token lives, from 1m to 7d').argParser(lifeInMinutes).default(60, '1h'))
    .action(async ({ file, ttl }: { readonly file: string; readonly ttl: number }) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 5 });
      const { script, expires } = await joinCommand(operation, { minutes: ttl });
      cli.progress({ type: 'note', title: `the token in it ends at ${expires}; after the join: kubekeep hosts approve NODE --address ADDRESS` });
      cli.progress({ type: 'note', title: joinedMachineNeeds(operation.cluster) });
      cli.print({ kind: 'JoinCommand', data: { script: script.reveal(), expires }, text: script.reveal().trimEnd() });
    });
};

function lifeInMinutes(word: string): number {
  const minutes = (duration(word) ?? 0) / 60_000;
  if (minutes >= 1 && minutes <= 7 * 24 * 60) return minutes;
  throw new InvalidArgumentError('A token lives from 1m to 7d, such as 30m or 2h.');
}
