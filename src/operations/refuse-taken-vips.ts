import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import { serviceVips } from '../cluster/service.ts';
import { quote } from '../hosts/quote.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { serviceVipsConfig, serviceVipsUnit, unitFolder } from '../render/paths.ts';
import { reachable, type ClusterFacts } from './facts.ts';
import type { Operation } from './operation.ts';
import { answersScript } from './stray-balancers.ts';

/** Throws `host-unfit` where a machine answers at a VIP of services that no load balancer has been told of yet: it would lose the address to them. */
export async function refuseTakenVips({ cluster, hosts, signal }: Pick<Operation, 'cluster' | 'hosts' | 'signal'>, facts: Pick<ClusterFacts, 'hosts'>): Promise<void> {
  const asker = vipAsker(cluster, facts);
  if (asker === undefined) return;
  await parallel(vipsToAskFor(cluster, facts), async (vip) => {
    const { stdout } = await hosts.get(asker)!.run(takenScript(vip), { timeout: 20_000, signal });
    if (!stdout.includes('answers')) return;
    const names = cluster.services.filter(({ listen }) => listen.vip === vip).map(({ name }) => name);
    throw new KubekeepError('host-unfit', `${vip}, the VIP of service ${names.join(', ')}, is in use: a machine answers there`, { hint: 'Choose another VIP, or switch off who has it.' });
  });
}

/** A balancer with VIPs of services knows which of them are ours; without any, whichever can be asked. @internal */
export function vipAsker(cluster: Cluster, { hosts }: Pick<ClusterFacts, 'hosts'>): string | undefined {
  const names = hostsWith(cluster, 'load-balancer').map(({ name }) => name).filter((name) => reachable(hosts.get(name)));
  return names.find((name) => hasVips(hosts.get(name))) ?? names[0];
}

/** Those that no balancer which was seen has by keepalived, which gives each a prefix of 32. @internal */
export function vipsToAskFor(cluster: Cluster, { hosts }: Pick<ClusterFacts, 'hosts'>): readonly string[] {
  const held = new Set([...hosts.values()].flatMap((found) => (reachable(found) && hasVips(found) ? found.addresses.filter(({ prefix }) => prefix === 32).map(({ address }) => address) : [])));
  return serviceVips(cluster).filter((vip) => !held.has(vip));
}

function hasVips(found: Parameters<typeof reachable>[0]): boolean {
  return reachable(found) && found.files.has(`${unitFolder}/${serviceVipsUnit}`);
}

/** One that keepalived was told of moves between balancers, and may be on its way at this moment. @internal */
export function takenScript(vip: string, config = serviceVipsConfig): string {
  return `grep -qsxE ${quote(`\\s*${vip.replaceAll('.', '\\.')}(/.*)?`)} ${config} && exit 0
# Who had it a moment ago may be gone.
ip neigh flush to ${quote(vip)} 2> /dev/null
${answersScript(vip)}`;
}
