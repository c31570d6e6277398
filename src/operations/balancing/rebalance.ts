import { serviceVips } from '../../cluster/service.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { openJournal } from '../journal.ts';
import { takeLock } from '../lock.ts';
import type { Operation } from '../operation.ts';
import { leaveVip, lookAtHolders, untilHeld } from '../phases/spread-vips.ts';
import { tracked } from '../phases/tracked.ts';
import { openKeptSecrets, refuseOthers } from '../state.ts';
import { holdersOf, vipMoves, whyNotMovable, type VipMove } from './vip-moves.ts';

export interface RebalanceOptions {
  /** Says what would be moved, and moves nothing. */
  readonly dryRun: boolean;
  /** Shown the moves before any is made; false ends it with `needs-confirmation`. */
  readonly confirm: (moves: readonly VipMove[]) => Promise<boolean>;
}

export interface Rebalanced {
  readonly moves: readonly VipMove[];
  /** Whether they were made; false also where there was nothing to move. */
  readonly performed: boolean;
}

/**
 * Moves the VIPs of services back to the balancers that should have them, one after the other, after a failure has brought them together. Throws `usage` where no
 * service has a VIP of its own, `not-healthy` where a balancer is not ready or a VIP does not arrive, `needs-confirmation`, `cluster-mismatch` and `lock-held`.
 */
export async function rebalance(operation: Operation, { dryRun, confirm }: RebalanceOptions): Promise<Rebalanced> {
  if (serviceVips(operation.cluster).length === 0) throw new KubekeepError('usage', 'no service of the cluster file has a VIP of its own', { hint: "The endpoint's VIP is moved by nobody: where it is, is as good as elsewhere." });
  operation.progress({ type: 'started', title: 'looking at the load balancers' });
  const moves = await lookForMoves(operation);
  if (moves.length === 0 || dryRun) return { moves, performed: false };
  if (!(await confirm(moves))) throw new KubekeepError('needs-confirmation', 'no VIP was moved: it was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes.' });
  await using lock = await takeLock(operation.hosts, operation);
  const held = { ...operation, signal: AbortSignal.any([operation.signal, lock.lost]), token: lock.token };
  const journal = openJournal(operation.state.journal, 'lb', operation.user, operation.clock.now);
  // What has moved meanwhile is left alone.
  const still = new Set((await lookForMoves(held)).map(nameOf));
  for (const move of moves.filter((one) => still.has(nameOf(one)))) {
    const { vip, services, from, to } = move;
    await tracked({ id: `${from}/vip ${vip}`, host: from, title: `VIP ${vip} (${services.join(', ')}) to ${to}`, reasons: [] }, { ...held, journal }, async () => {
      await leaveVip(held, move);
      const holders = holdersOf(held.cluster, await untilHeld(held, vip), vip);
      if (holders.join() !== to) throw new KubekeepError('not-healthy', `the VIP ${vip} left ${from} and is on ${holders.length === 0 ? 'no load balancer' : holders.join(' and ')} instead of ${to}`, { hint: `Look at journalctl -u kubekeep-service-vips on ${to}, then run it again.` });
    });
  }
  return { moves, performed: true };
}

async function lookForMoves(operation: Operation): Promise<readonly VipMove[]> {
  const { cluster, state, identityFile } = operation;
  const seen = await lookAtHolders(operation);
  const kept = await openKeptSecrets(state, { cluster: cluster.name, identityFile });
  if (kept) refuseOthers(seen, kept.secrets.clusterId);
  const reasons = whyNotMovable(cluster, seen);
  if (reasons.length > 0) throw new KubekeepError('not-healthy', `no VIP was moved: ${reasons.join('; ')}`, { hint: 'kubekeep status says what is wrong; kubekeep apply mends it.' });
  return vipMoves(cluster, seen);
}

function nameOf({ vip, from, to }: VipMove): string {
  return `${vip} ${from} ${to}`;
}
