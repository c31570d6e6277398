import { readFile } from 'node:fs/promises';
import { askHaproxy } from '../../clients/haproxy/ask-haproxy.ts';
import { connectApi } from '../../clients/kubernetes/connect-api.ts';
import { listenToAgent, type AgentAddress } from '../../clients/load-agent/listen-to-agent.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { steerTraffic } from '../../operations/steering/steer-traffic.ts';
import type { Steering } from '../../render/steer.ts';
import type { AddCommand } from '../add-command.ts';

/** `steer`: what `apply` starts on load balancers. */
export const addSteer: AddCommand = (program, cli) => {
  program
    .command('steer')
    .description('What apply starts on load balancers, where weights follow the load or node ports those of Services: it tells the HAProxys there, until it is stopped. Not for people: kubekeep lb is.')
    .requiredOption('--file <file>', 'what is steered, and by what; apply writes it')
    .action(async ({ file }: { readonly file: string }) => {
      const { clock, signal, progress } = cli;
      const steering = JSON.parse(await textOf(file)) as Steering;
      const { ca, certificate, key } = steering.api;
      const [authority, own, secret] = await Promise.all([ca, certificate, key].map(textOf));
      const connect = ({ host, port }: AgentAddress) => connectApi({ connect: { host, port }, serverName: 'kubernetes', ca: authority!, certificate: own, key: new Secret(secret!), deadline: 3000 });
      await steerTraffic(steering, { clock, signal, progress, connect, tell: askHaproxy, listen: (agent, hear) => listenToAgent(agent, hear, { clock, signal }) });
    });
};

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KubekeepError('file-missing', `${path} cannot be read (${error.code})`, { hint: 'kubekeep apply puts it there.' });
  });
}
