import type { ByHand, Wish } from './by-hand.ts';

/** One load balancer as it was seen, or why nothing can be said of it. */
export type Balancer = AnsweringBalancer | SilentBalancer;

export interface AnsweringBalancer {
  readonly host: string;
  /** In the order of its configuration. */
  readonly servers: readonly BalancedServer[];
  readonly byHand: ByHand;
  /** Id of the cluster that it belongs to. */
  readonly clusterId: string | undefined;
}

export interface SilentBalancer {
  readonly host: string;
  readonly reason: string;
}

export interface BalancedServer {
  /** `api`, or the name of a service in the cluster file. */
  readonly service: string;
  readonly server: string;
  readonly condition: ServerCondition;
  /** What somebody wants by `kubekeep lb`. */
  readonly wish: Wish | undefined;
  /** Percent. */
  readonly weight: number;
  /** Connections that are open. */
  readonly sessions: number;
  /** How the last health check ended, in the words of HAProxy. */
  readonly check: string;
}

/** `up`: gets connections. `drain`: gets no new ones. `maint`: gets none. */
export type ServerCondition = 'up' | 'down' | 'drain' | 'maint' | 'unknown';

export function answers(balancer: Balancer): balancer is AnsweringBalancer {
  return !('reason' in balancer);
}

/** "SERVICE/NODE", as people write it and `by-hand.json` has it. */
export function nameOf({ service, server }: Pick<BalancedServer, 'service' | 'server'>): string {
  return `${service}/${server}`;
}
