import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { openJournal } from '../journal.ts';
import { takeLock } from '../lock.ts';
import type { Operation } from '../operation.ts';
import { runOn } from '../phases/note-on.ts';
import { tracked } from '../phases/tracked.ts';
import { openKeptSecrets } from '../state.ts';
import { apiService } from '../../cluster/service.ts';
import { answers, nameOf, type AnsweringBalancer, type Balancer } from './balancer.ts';
import { changeScript } from './change-script.ts';
import { chooseServers, refuseLast, refuseSenseless, type Change, type Target } from './choose-servers.ts';
import { compareBalancers, type Balancing } from './compare-balancers.ts';
import { lookAtBalancers } from './look-at-balancers.ts';

export interface ChangeOptions {
  /** Also where a service has no other server. */
  readonly evenLast: boolean;
}

/**
 * Takes servers out of all load balancers that answer, brings them back, or gives them a weight. Returns what they do with these servers then. Throws
 * `usage`, `needs-confirmation`, `cluster-mismatch`, `lock-held`, and `host-unreachable` where no balancer answers.
 */
export async function changeServers(operation: Operation, words: readonly string[], change: Change, { evenLast }: ChangeOptions): Promise<Balancing> {
  const { progress, clock, signal, state, user } = operation;
  progress({ type: 'started', title: 'looking at the load balancers' });
  await using lock = await takeLock(operation.hosts, operation);
  const before = await lookAtBalancers(operation);
  const answering = before.filter(answers);
  if (answering.length === 0) throw new KubekeepError('host-unreachable', `nothing was touched, for no load balancer answers: ${before.map(({ host, ...one }) => `${host}: ${'reason' in one ? one.reason : ''}`).join('; ')}`, { hint: 'kubekeep status shows how the hosts are.' });
  const targets = chooseServers(before, words);
  refuseSenseless(operation.cluster, targets, change);
  if (!evenLast) refuseLast(before, targets, change);
  await refuseOtherCluster(operation, answering);
  const journal = openJournal(state.journal, 'lb', user, clock.now);
  const about = `${typeof change === 'string' ? change : `weight ${change.weight}%`} ${targets.map(nameOf).join(', ')}`;
  const work = { progress, journal, clock, signal: AbortSignal.any([signal, lock.lost]) };
  await parallel(answering, (balancer) =>
    tracked({ id: `${balancer.host}/lb`, host: balancer.host, title: about, reasons: [] }, work, () =>
      runOn(operation, balancer.host, changeScript(balancer, { targets, change, token: lock.token }), { what: about, timeout: 30_000 })),
  );
  const { servers, silent, good } = compareBalancers(await lookUntilDone(operation, targets, change));
  const names = new Set(targets.map(nameOf));
  return { servers: servers.filter((one) => names.has(nameOf(one))), silent, good };
}

async function refuseOtherCluster({ cluster, state, identityFile }: Operation, balancers: readonly AnsweringBalancer[]): Promise<void> {
  const kept = await openKeptSecrets(state, { cluster: cluster.name, identityFile });
  const other = balancers.find(({ clusterId }) => kept && clusterId !== undefined && clusterId !== kept.secrets.clusterId);
  if (other) throw new KubekeepError('cluster-mismatch', `${other.host} belongs to another cluster than the one of this cluster file`, { hint: 'Check the addresses in the cluster file. Nothing was changed.' });
}

/** An API server is taken out within some 0.1 s by the Lua task, and comes back with its next check. Whatever is not so after 3 s is shown as it is. */
async function lookUntilDone(operation: Operation, targets: readonly Target[], change: Change): Promise<readonly Balancer[]> {
  const names = new Set(targets.filter(({ service }) => service === apiService).map(nameOf));
  const serves = change !== 'drain' && change !== 'maint';
  for (let turn = 0; ; turn++) {
    const balancers = await lookAtBalancers(operation);
    const waiting = balancers.filter(answers).flatMap(({ servers }) => servers).some((one) => names.has(nameOf(one)) && (one.condition === 'up') !== serves);
    if (!waiting || turn === 6) return balancers;
    await operation.clock.sleep(500, operation.signal);
  }
}
