import { InvalidArgumentError } from 'commander';
import { existingSecrets } from '../../operations/existing-secrets.ts';
import { userKubeconfig } from '../../operations/user-kubeconfig.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation } from '../wire.ts';

interface Flags {
  readonly file: string;
  readonly user?: string;
  readonly days: number;
  readonly server?: string;
}

/** `kubeconfig`: prints one, with a client certificate of its own. */
export const addKubeconfig: AddCommand = (program, cli) => {
  program
    .command('kubeconfig')
    .description('Print a kubeconfig for the endpoint with a new, short-lived client certificate (group kubeadm:cluster-admins). It contains a private key.')
    .addOption(clusterFileOption())
    .option('--user <name>', "user name in the certificate, which the audit log shows (default: this computer's user)", userName)
    .option('--days <days>', 'life of the certificate', lifeInDays, 1)
    .option('--server <address>', 'another address or name of the API, with or without a port', serverAddress)
    .action(async ({ file, user = cli.environment.user, days, server }: Flags) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 4 });
      const { secrets } = await existingSecrets(operation);
      const { content, ...rest } = await userKubeconfig(operation.cluster, secrets, { user, days, server, now: cli.clock.now() });
      const kubeconfig = content.reveal();
      cli.print({ kind: 'Kubeconfig', data: { ...rest, kubeconfig }, text: kubeconfig });
    });
};

function userName(word: string): string {
  if (word.startsWith('system:')) throw new InvalidArgumentError('Names that start with system: belong to Kubernetes.');
  if (/^[^\s\p{C}]{1,64}$/u.test(word)) return word;
  throw new InvalidArgumentError('A user name has 1 to 64 characters and no blanks.');
}

function lifeInDays(word: string): number {
  const days = Number(word);
  if (days > 0 && days <= 366) return days;
  throw new InvalidArgumentError('A certificate lives for more than 0 and at most 366 days.');
}

function serverAddress(word: string): string {
  if (/^(https:\/\/)?[A-Za-z0-9.-]+(:\d{1,5})?\/?$/.test(word)) return word;
  throw new InvalidArgumentError('A server looks like 10.0.0.11, api.example or api.example:6443.');
}
