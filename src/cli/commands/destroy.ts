import { destroy, type DestroyResult } from '../../operations/destroy.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation } from '../wire.ts';

interface Flags {
  readonly file: string;
  readonly purge?: boolean;
  readonly confirm?: string;
  readonly skipUnreachable?: boolean;
}

/** `destroy`: takes the cluster off its hosts. */
export const addDestroy: AddCommand = (program, cli) => {
  program
    .command('destroy')
    .description("Take the cluster off its hosts. Asks for its name; etcd's data is kept aside on the hosts and the keys beside the cluster file.")
    .addOption(clusterFileOption())
    .option('--confirm <name>', 'the name of the cluster, instead of being asked for it')
    .option('--purge', "remove etcd's data, all that was put aside of it before, and the audit logs too")
    .option('--skip-unreachable', 'go on without the hosts that cannot be reached')
    .action(async ({ file, purge = false, confirm, skipUnreachable = false }: Flags) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 5 });
      const { name } = operation.cluster;
      const result = await destroy(operation, {
        purge,
        skipUnreachable,
        confirm: async (hosts) => {
          const data = purge ? 'and all of its data' : "(etcd's data is kept aside)";
          return (confirm ?? (await cli.ask(`This destroys cluster ${name} on ${hosts.join(', ')} ${data}.\nType the name of the cluster to go on: `))) === name;
        },
      });
      cli.print({ kind: 'DestroyResult', data: { cluster: name, ...result }, text: describe(name, result) });
    });
};

function describe(name: string, { hosts, state }: DestroyResult): string {
  const by = (outcome: string) => hosts.filter((host) => host.outcome === outcome).map(({ host }) => host);
  const [destroyed, empty, left] = [by('destroyed'), by('nothing found'), by('left as it is')];
  return [
    destroyed.length > 0 ? `${name}: destroyed on ${destroyed.join(', ')}.` : `${name}: no host had anything of it.`,
    ...(destroyed.length > 0 && empty.length > 0 ? [`Nothing found on ${empty.join(', ')}.`] : []),
    ...(left.length > 0 ? [`Left as it is, since it cannot be reached: ${left.join(', ')}.`] : []),
    ...hosts.filter(({ kept }) => kept.length > 0).map(({ host, kept }) => `Kept on ${host}: ${kept.join(', ')}`),
    ...(state === undefined ? [] : [`Keys and journal: ${state}`]),
  ].join('\n');
}
