import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { backendOf, serviceVips } from '../../cluster/service.ts';
import { servicesUnit, serviceVipsUnits } from '../../render/paths.ts';
import { preferred } from '../../render/service-vips.ts';
import { reachable, type ClusterFacts, type HostFacts } from '../facts.ts';

/** A VIP of services that another balancer has than the one that should have it first. */
export interface VipMove {
  readonly vip: string;
  /** Names of the services at this VIP. */
  readonly services: readonly string[];
  /** The balancer that has it. */
  readonly from: string;
  /** The one that should, and is ready for it. */
  readonly to: string;
}

type Seen = Pick<ClusterFacts, 'hosts'>;

/** The moves that spread the VIPs of services over the balancers again, in the order of the file. One that nobody or more than one has is left alone, and so is one whose balancer is not ready. */
export function vipMoves(cluster: Cluster, seen: Seen): readonly VipMove[] {
  const balancers = hostsWith(cluster, 'load-balancer');
  return serviceVips(cluster).flatMap((vip, position) => {
    const to = preferred(balancers, position)[0]!.name;
    const [from, ...others] = holdersOf(cluster, seen, vip);
    if (from === undefined || others.length > 0 || from === to || whyNotReady(seen, to) !== undefined) return [];
    return [{ vip, services: servicesAt(cluster, vip), from, to }];
  });
}

/** Why VIPs should not be moved now: a sentence for each balancer that is not ready, each VIP that not exactly one has, and each service whose nodes the balancer that is to have it does not reach. */
export function whyNotMovable(cluster: Cluster, seen: Seen): readonly string[] {
  const balancers = hostsWith(cluster, 'load-balancer').flatMap(({ name }) => whyNotReady(seen, name) ?? []);
  const vips = serviceVips(cluster).flatMap((vip) => {
    const holders = holdersOf(cluster, seen, vip);
    return holders.length === 1 ? [] : [`the VIP ${vip} is on ${holders.length === 0 ? 'no load balancer' : holders.join(' and ')}`];
  });
  const blind = vipMoves(cluster, seen).flatMap(({ services, from, to }) => services.filter((name) => nodesUp(seen, from, name) > 0 && nodesUp(seen, to, name) === 0).map((name) => `${to} reaches no node of service ${name}`));
  return [...balancers, ...vips, ...blind];
}

/** Balancers that have a VIP. */
export function holdersOf(cluster: Cluster, { hosts }: Seen, vip: string): readonly string[] {
  return hostsWith(cluster, 'load-balancer').map(({ name }) => name).filter((name) => {
    const found = hosts.get(name);
    return reachable(found) && found.addresses.some(({ address }) => address === vip);
  });
}

function whyNotReady({ hosts }: Seen, name: string): string | undefined {
  const found = hosts.get(name);
  if (!reachable(found)) return `${name} cannot be reached`;
  const unit = [servicesUnit, ...serviceVipsUnits].find((one) => found.units.get(one)?.active !== 'active');
  return unit && `${unit} does not run on ${name}`;
}

function servicesAt({ services }: Cluster, vip: string): readonly string[] {
  return services.filter(({ listen }) => listen.vip === vip).map(({ name }) => name);
}

function nodesUp({ hosts }: Seen, host: string, service: string): number {
  return (hosts.get(host) as HostFacts).serviceServers?.filter(({ backend, serves }) => backend === backendOf(service) && serves).length ?? 0;
}
