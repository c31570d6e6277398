import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { serviceVips } from '../../cluster/service.ts';
import { parallel } from '../../lib/parallel.ts';
import { servicesUnit, serviceVipsUnit } from '../../render/paths.ts';
import { leaveFile, preferred } from '../../render/service-vips.ts';
import { reachable, type HostFacts } from '../facts.ts';
import { observeHost } from '../observe.ts';
import type { Operation } from '../operation.ts';

type Seen = ReadonlyMap<string, HostFacts>;
type Reaching = Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal'>;

/**
 * Moves VIPs of services to the balancers that have them rather than the others: keepalived takes none back by itself, and hosts that are changed one after the
 * other leave all that are new with the first. Nothing waits for a VIP whose balancer is not ready. Each move is an interruption of some milliseconds.
 */
export async function spreadVips(work: Reaching, vips: readonly string[] = serviceVips(work.cluster)): Promise<void> {
  const balancers = hostsWith(work.cluster, 'load-balancer');
  const all = serviceVips(work.cluster);
  for (const vip of vips) {
    const [home] = preferred(balancers, all.indexOf(vip));
    const seen = await untilHeld(work, balancers, vip);
    const holder = balancers.find(({ name }) => holds(seen.get(name), vip));
    if (!holder || !home || holder.name === home.name || !isReady(seen.get(home.name))) continue;
    await work.hosts.get(holder.name)!.run(leaveScript(vip), { timeout: 20_000 });
  }
}

/** A VIP that has just come is held by nobody for a second or two. */
async function untilHeld({ hosts, clock, signal }: Reaching, balancers: readonly HostSpec[], vip: string): Promise<Seen> {
  const deadline = clock.monotonic() + 10_000;
  for (;;) {
    const found = await parallel(balancers, async (spec) => [spec.name, await observeHost(spec, hosts.get(spec.name)!, 10_000, signal)] as const);
    const seen = new Map(found.flatMap(([name, facts]) => (reachable(facts) ? [[name, facts] as const] : [])));
    if ([...seen.values()].some((facts) => holds(facts, vip)) || clock.monotonic() > deadline) return seen;
    await clock.sleep(300, signal);
  }
}

function holds(facts: HostFacts | undefined, vip: string): boolean {
  return facts?.addresses.some(({ address }) => address === vip) === true;
}

function isReady(facts: HostFacts | undefined): boolean {
  return [servicesUnit, serviceVipsUnit].every((unit) => facts?.units.get(unit)?.active === 'active');
}

/** Whatever ends the script, the host may have the VIP again. */
function leaveScript(vip: string): string {
  const file = leaveFile(vip);
  return `trap 'echo 0 > ${file}' EXIT
echo -254 > ${file} || exit 1
for try in $(seq 50); do ip -4 -o addr show | grep -qF ' ${vip}/32 ' || break; sleep 0.1; done
sleep 0.5`;
}
