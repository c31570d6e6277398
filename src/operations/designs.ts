import type { Cluster, HostSpec } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { ComponentDesign, Renderer, RenderFacts } from '../render/design.ts';
import { hostDesign, renderers } from '../render/host-design.ts';
import { etcdDataFolder } from '../render/paths.ts';
import { reachable, type ClusterFacts, type HostFacts } from './facts.ts';
import { isFromBefore } from './plan/is-from-before.ts';
import { wasFormed } from './plan/was-formed.ts';
import type { FollowerMaterial } from './follower/follower-material.ts';
import { platformOn } from './platform.ts';
import type { OpenedSecrets } from './state.ts';

export interface DesignOptions {
  /** Default: kubekeep's own set-up. */
  readonly table?: readonly Renderer[] | undefined;
  /** Where hosts follow the log. */
  readonly material?: FollowerMaterial | undefined;
}

/** What every reachable host should have. Throws `host-unfit` where the VIP's interface cannot be told, or where a host has a foreign etcd's data. */
export function designsOf(cluster: Cluster, facts: ClusterFacts, { secrets, sealed }: OpenedSecrets, { table = renderers, material }: DesignOptions = {}): Map<string, ComponentDesign[]> {
  const seen = [...facts.hosts.values()].filter(reachable);
  const formed = wasFormed(facts);
  const virtualRouterId = seen.find(({ identity }) => identity)?.identity?.virtualRouterId ?? freeRouterId(secrets.clusterId, facts.takenRouterIds ?? []);
  const designs = new Map<string, ComponentDesign[]>();
  for (const host of cluster.hosts) {
    const found = facts.hosts.get(host.name);
    if (!reachable(found)) continue;
    if (!formed) refuseForeignData(host, found);
    const renderFacts: RenderFacts = {
      vipInterface: vipInterface(cluster, host, found),
      virtualRouterId,
      openFiles: found.openFiles,
      etcdInitialState: found.etcd.hasData && !isFromBefore(found, seen) ? (found.etcd.initialState ?? 'new') : formed ? 'existing' : 'new',
    };
    // Node runs on the architecture that it was built for.
    const follower = material?.platform === platformOn(host.name, facts) ? material.input(host.name) : undefined;
    designs.set(host.name, hostDesign({ cluster, host, secrets, sealed, facts: renderFacts, follower }, table));
  }
  return designs;
}

/** A new cluster on a directory of another one would come up as that one. */
function refuseForeignData({ name, roles }: HostSpec, { etcd, identity }: HostFacts): void {
  if (!roles.includes('etcd') || !etcd.hasData || etcd.initialState !== undefined || identity !== undefined) return;
  throw new KubekeepError('host-unfit', `${name}: ${etcdDataFolder} has the data of an etcd that is not of this cluster`, { hint: 'Move it away if nobody needs it there, then run kubekeep apply again.' });
}

/** 1 to 254 from the cluster id, so that two clusters in one network rarely meet, or the next that nobody was heard with; the hosts then keep it. */
function freeRouterId(clusterId: string, taken: readonly number[]): number {
  const first = Number.parseInt(clusterId.slice(0, 8), 16) % 254;
  const all = Array.from({ length: 254 }, (_, next) => ((first + next) % 254) + 1);
  return all.find((id) => !taken.includes(id)) ?? first + 1;
}

function vipInterface({ endpoint }: Cluster, host: HostSpec, { addresses }: HostFacts): string {
  if (host.interface) return host.interface;
  const own = addresses.find(({ address }) => address === host.address);
  if (own) return own.interface;
  if (!host.roles.includes('load-balancer')) return '';
  throw new KubekeepError('host-unfit', `${host.name}: no interface has the address ${host.address}, so there is none for the VIP ${endpoint.vip}`, { hint: 'Give hosts[].interface in the cluster file.' });
}
