import { hostsWith } from '../../cluster/cluster.ts';
import { parallel } from '../../lib/parallel.ts';
import { leaveFile } from '../../render/service-vips.ts';
import { holdersOf, vipMoves } from '../balancing/vip-moves.ts';
import type { ClusterFacts } from '../facts.ts';
import { lockGuard } from '../lock.ts';
import { observeHost } from '../observe.ts';
import type { Operation } from '../operation.ts';
import { runOn } from './note-on.ts';
import type { Work } from './work.ts';

type Looking = Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal'>;

/**
 * Moves VIPs of services that have just come to the balancers that have them rather than the others: hosts that are changed one after the other leave all of them
 * with the first. Nothing waits for a VIP whose balancer is not ready. Each move is an interruption of some milliseconds.
 */
export async function spreadVips(work: Pick<Work, keyof Looking | 'token'>, vips: readonly string[]): Promise<void> {
  for (const vip of vips) {
    const move = vipMoves(work.cluster, await untilHeld(work, vip)).find((one) => one.vip === vip);
    if (move) await leaveVip(work, move);
  }
}

/** Makes the balancer that has a VIP leave it to the others, of which keepalived takes the one that should have it first: by itself none takes it back. */
export async function leaveVip(work: Pick<Work, 'hosts' | 'token'>, { vip, from }: { readonly vip: string; readonly from: string }): Promise<void> {
  await runOn(work, from, `${lockGuard(work.token)}\n${leaveScript(vip)}`, { what: `leaving the VIP ${vip}`, timeout: 120_000 });
}

/** What the balancers say once one of them has the VIP, or after 10 s: one that has just come is held by nobody for a second or two. */
export async function untilHeld(work: Looking, vip: string): Promise<Pick<ClusterFacts, 'hosts'>> {
  const deadline = work.clock.monotonic() + 10_000;
  for (;;) {
    const seen = await lookAtHolders(work);
    if (holdersOf(work.cluster, seen, vip).length > 0 || work.clock.monotonic() > deadline) return seen;
    await work.clock.sleep(300, work.signal);
  }
}

/** The balancers as they are now, and no other host. */
export async function lookAtHolders({ cluster, hosts, signal }: Pick<Looking, 'cluster' | 'hosts' | 'signal'>): Promise<Pick<ClusterFacts, 'hosts'>> {
  return { hosts: new Map(await parallel(hostsWith(cluster, 'load-balancer'), async (spec) => [spec.name, await observeHost(spec, hosts.get(spec.name)!, 10_000, signal)] as const)) };
}

/** Whatever ends the script, the host may have the VIP again. */
function leaveScript(vip: string): string {
  const file = leaveFile(vip);
  return `trap 'echo 0 > ${file}' EXIT
echo -254 > ${file} || exit 1
for try in $(seq 50); do ip -4 -o addr show | grep -qF ' ${vip}/32 ' || break; sleep 0.1; done
sleep 0.5`;
}
