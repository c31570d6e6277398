import { servicesFolder } from '../src/render/paths.ts';
import { aHost, aService } from '../test/support/example-cluster.ts';
import { renderedHosts } from '../test/support/rendered-host.ts';
import { adminPort, frontPort, nodePort, webServers, type Machines } from './balance-machines.ts';

/** For each request when its answer was sent, ms from its first byte on, who answered and with what. */
const logFormat = 'log-format "%[date(0,ms)] %Ta %s %ST"';

export interface Configuration {
  readonly config: string;
  /** The script that it loads. */
  readonly lua?: string;
}

/** As it stands in many a guide: a check of the port every two seconds. */
export function plainConfig({ addressOf }: Machines, balance: 'roundrobin' | 'leastconn'): Configuration {
  const config = `global
    maxconn 4000
    log stdout format raw local0
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
    option httplog
    ${logFormat}
    log global
frontend shop
    bind :${frontPort}
    default_backend shop
backend shop
    balance ${balance}
${webServers.map((server) => `    server ${server} ${addressOf(server)}:${nodePort} check`).join('\n')}
`;
  return { config };
}

/** Nothing but what it takes: what throughput is compared with. */
export function bareConfig({ addressOf }: Machines, port: number): Configuration {
  const config = `defaults
    mode http
    timeout client 50s
    timeout server 50s
    timeout connect 5s
listen shop
    bind :${port}
${webServers.map((server) => `    server ${server} ${addressOf(server)}:${nodePort}`).join('\n')}
`;
  return { config };
}

/** As `apply` would have it for a service `shop` that follows the load, with the notes of requests where they are wanted, and a second door to its socket. */
export async function steeredConfig({ addressOf }: Machines, { log }: { readonly log: boolean }): Promise<Configuration> {
  const workers = webServers.map((name) => aHost({ name, address: addressOf(name), roles: ['worker'] }));
  const service = aService({ listen: { vip: addressOf('lb'), port: frontPort }, forward: { nodePort }, balance: 'random-2', load: true, mode: 'http', check: { http: { path: '/small', expect: '200-299' } } });
  const [balancer] = await renderedHosts({ hosts: [aHost({ name: 'lb', address: addressOf('lb') }), ...workers], services: [service] });
  const content = (name: string) => balancer!.get(`${servicesFolder}/${name}`)!.content;
  const config = content('haproxy.cfg').replace(/^ *stats socket .*$/m, `$&\n    stats socket ipv4@127.0.0.1:${adminPort} level admin`)
    // As many as the machine's limit of open files lets any configuration have.
    .replace(/maxconn (20000|19900)$/gm, 'maxconn 4000');
  return { config: log ? config.replace(/^ *option dontlog-normal\n/m, '').replace('    option httplog', `    ${logFormat}`) : config, lua: content('close-dead.lua') };
}
