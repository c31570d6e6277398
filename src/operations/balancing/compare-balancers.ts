import { answers, nameOf, type Balancer, type BalancedServer, type SilentBalancer } from './balancer.ts';

/** All load balancers side by side. */
export interface Balancing {
  readonly servers: readonly ComparedServer[];
  /** Balancers of which nothing can be said. */
  readonly silent: readonly SilentBalancer[];
  /** All balancers answer and agree, and each service has a server that is up. */
  readonly good: boolean;
}

/** A server of a service as each balancer that answers sees it. */
export interface ComparedServer {
  readonly service: string;
  readonly server: string;
  /** All of them treat it alike, and were told the same by hand. */
  readonly agree: boolean;
  readonly on: readonly SeenServer[];
}

export interface SeenServer extends Pick<BalancedServer, 'weight' | 'sessions' | 'check'> {
  /** The balancer. */
  readonly host: string;
  /** `missing`: that balancer does not have it. */
  readonly condition: BalancedServer['condition'] | 'missing';
  /** What somebody told this balancer by `kubekeep lb`: `drain`, `maint` or a weight in percent. */
  readonly byHand: string | undefined;
}

export function compareBalancers(balancers: readonly Balancer[]): Balancing {
  const answering = balancers.filter(answers);
  const names = new Map(answering.flatMap(({ servers }) => servers).map((one) => [nameOf(one), one]));
  const servers = [...names].map(([name, { service, server }]): ComparedServer => {
    const on = answering.map((one) => seen(one.host, one.servers.find((other) => nameOf(other) === name)));
    return { service, server, agree: new Set(on.map(({ condition, byHand }) => `${condition} ${byHand}`)).size === 1, on };
  });
  const silent = balancers.filter((one): one is SilentBalancer => !answers(one));
  const served = new Set(servers.filter(({ on }) => on.every(({ condition }) => condition === 'up')).map(({ service }) => service));
  return { servers, silent, good: silent.length === 0 && servers.every(({ agree, service }) => agree && served.has(service)) };
}

function seen(host: string, server: BalancedServer | undefined): SeenServer {
  if (!server) return { host, condition: 'missing', byHand: undefined, weight: 0, sessions: 0, check: '' };
  const { condition, wish, weight, sessions, check } = server;
  return { host, condition, byHand: wish && ('state' in wish ? wish.state : `${wish.weight}%`), weight, sessions, check };
}
