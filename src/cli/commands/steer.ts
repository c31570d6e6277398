import { readFile } from 'node:fs/promises';
import { askHaproxy } from '../../clients/haproxy/ask-haproxy.ts';
import { connectApi } from '../../clients/kubernetes/connect-api.ts';
import { listenToAgent } from '../../clients/load-agent/listen-to-agent.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { steerServices } from '../../operations/steering/steer-services.ts';
import type { Steering } from '../../render/steer.ts';
import type { AddCommand } from '../add-command.ts';

/** `steer`: what `apply` starts on load balancers. */
export const addSteer: AddCommand = (program, cli) => {
  program
    .command('steer')
    .description('What apply starts on load balancers, where weights follow the load of the nodes or node ports those of Services: it tells the HAProxy of the services, until it is stopped. Not for people: kubekeep lb is.')
    .requiredOption('--file <file>', 'what is steered, and by what; apply writes it')
    .action(async ({ file }: { readonly file: string }) => {
      const { clock, signal, progress } = cli;
      const steering = JSON.parse(await textOf(file)) as Steering;
      const { host, port, ca, certificate, key } = steering.api;
      const [authority, own, secret] = await Promise.all([ca, certificate, key].map(textOf));
      const api = connectApi({ connect: { host, port }, serverName: 'kubernetes', ca: authority!, certificate: own, key: new Secret(secret!), deadline: 3000 });
      await steerServices(steering, { clock, signal, progress, api, tell: (command) => askHaproxy(steering.socket, command), listen: (agent, hear) => listenToAgent(agent, hear, { clock, signal }) });
    });
};

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KubekeepError('file-missing', `${path} cannot be read (${error.code})`, { hint: 'kubekeep apply puts it there.' });
  });
}
