import { apiService } from '../../cluster/service.ts';
import { answers, nameOf, type Balancer, type BalancedServer, type SilentBalancer } from './balancer.ts';

/** All load balancers side by side. */
export interface Balancing {
  readonly servers: readonly ComparedServer[];
  /** Balancers of which nothing can be said. */
  readonly silent: readonly SilentBalancer[];
  /** All balancers answer, agree, and do what they were told by hand, and each service has a server that is up. */
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
  /** That is what this balancer does; also where nothing was told. */
  readonly holds: boolean;
}

/** Whether all balancers treat a server alike, and as they were told by hand. */
export function doAsTold({ agree, on }: ComparedServer): boolean {
  return agree && on.every(({ holds }) => holds);
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
  return { servers, silent, good: silent.length === 0 && servers.every((one) => doAsTold(one) && served.has(one.service)) };
}

function seen(host: string, server: BalancedServer | undefined): SeenServer {
  if (!server) return { host, condition: 'missing', byHand: undefined, holds: true, weight: 0, sessions: 0, check: '' };
  const { condition, wish, weight, sessions, check } = server;
  return { host, condition, byHand: wish && ('state' in wish ? wish.state : `${wish.weight}%`), holds: doesHold(server), weight, sessions, check };
}

/** A restart of HAProxy ends what it was told, where nobody steers. API servers do as they are asked as long as another one is fit. A server that has just come up has less than its weight for a while. */
function doesHold({ service, condition, wish, weight }: BalancedServer): boolean {
  if (!wish || service === apiService) return true;
  if ('weight' in wish) return condition !== 'up' || weight <= wish.weight;
  return wish.state === 'maint' ? condition === 'maint' : condition !== 'up';
}
