import type { Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { nearestWord } from '../../lib/nearest-word.ts';
import { apiService } from '../../cluster/service.ts';
import { answers, nameOf, type Balancer, type BalancedServer } from './balancer.ts';

/** What to do with servers; a weight is percent, 1 to 100. */
export type Change = 'drain' | 'maint' | 'ready' | { readonly weight: number };

/** A server of a service, on whichever balancer. */
export type Target = Pick<BalancedServer, 'service' | 'server'>;

/** The servers that words mean: "SERVICE/NODE", or a node in every service that has it. Throws `usage`. */
export function chooseServers(balancers: readonly Balancer[], words: readonly string[]): readonly Target[] {
  const known = new Map(balancers.filter(answers).flatMap(({ servers }) => servers).map((one) => [nameOf(one), { service: one.service, server: one.server }]));
  const chosen = words.flatMap((word) => {
    const found = [...known].filter(([name, { server }]) => name === word || server === word);
    if (found.length === 0) throw unknown(word, [...known.keys()], [...known.values()].map(({ server }) => server));
    return found;
  });
  return [...new Map(chosen).values()];
}

function unknown(word: string, names: readonly string[], servers: readonly string[]): KubekeepError {
  const meant = nearestWord(word, word.includes('/') ? names : servers);
  return new KubekeepError('usage', `no load balancer has a server ${word}`, { hint: meant === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${meant}? kubekeep lb list shows all.` });
}

/** Throws `usage` where a change makes no sense for one of the servers: nobody would keep the weight of an API server where its load is not followed. */
export function refuseSenseless({ endpoint }: Pick<Cluster, 'endpoint'>, targets: readonly Target[], change: Change): void {
  if (endpoint.load || typeof change === 'string' || !targets.some(({ service }) => service === apiService)) return;
  throw new KubekeepError('usage', 'API servers take turns and have no weights', { hint: 'kubekeep lb drain takes one out; with spec.endpoint.load in the cluster file they have weights.' });
}

/** Throws `needs-confirmation` where a balancer would have no server left for a service that has one now. */
export function refuseLast(balancers: readonly Balancer[], targets: readonly Target[], change: Change): void {
  if (change !== 'drain' && change !== 'maint') return;
  const names = new Set(targets.map(nameOf));
  for (const { host, servers } of balancers.filter(answers)) {
    const up = servers.filter(({ condition }) => condition === 'up');
    const last = up.find((one) => names.has(nameOf(one)) && up.every((other) => other.service !== one.service || names.has(nameOf(other))));
    if (!last) continue;
    throw new KubekeepError('needs-confirmation', `nothing was touched: on ${host} no other server of ${last.service} is up than what would be taken out (${nameOf(last)})`, { hint: 'Bring another one back first: kubekeep lb list names them. With --even-last it is done all the same.' });
  }
}
