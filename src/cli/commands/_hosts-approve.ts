import { InvalidArgumentError, type Command } from 'commander';
import { isIPv4 } from 'node:net';
import { approveNode } from '../../operations/approve-node.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation } from '../wire.ts';

/** `hosts approve`. */
export function addHostsApprove(group: Command, cli: Cli): void {
  group
    .command('approve')
    .argument('<node>', 'a node that joined with the output of join-command')
    .description('Grant a node that is not in the cluster file the certificate under which its kubelet serves (kubectl logs and exec need it): once it has joined, and again each year. Those of the cluster file get theirs by apply.')
    .addOption(clusterFileOption())
    .requiredOption('--address <address>', 'IPv4 address of the machine, as you know it; the certificate is for that and the name alone', ipv4)
    .action(async (name: string, { file, address }: { readonly file: string; readonly address: string }) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 5 });
      await approveNode(operation, { name, address });
      cli.print({ kind: 'ApprovedNode', data: { node: name, address }, text: `${name} serves under a certificate for ${name} and ${address} now.` });
    });
}

function ipv4(word: string): string {
  if (isIPv4(word)) return word;
  throw new InvalidArgumentError('An address looks like 10.0.0.31.');
}
