import { isNode, nodeHosts, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { overlap } from '../cluster/ipv4.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { ComponentDesign, Renderer, RenderFacts, ServicePorts } from '../render/design.ts';
import { hostDesign, renderers } from '../render/host-design.ts';
import { hasPodNetwork } from '../render/pod-network.ts';
import { etcdDataFolder, kubeletFolder } from '../render/paths.ts';
import { reachable, type ClusterFacts, type HostFacts, type NodeFact, type NodesFact, type ServicesFact } from './facts.ts';
import { isFromBefore } from './plan/is-from-before.ts';
import { wasFormed } from './plan/was-formed.ts';
import type { FollowerMaterial } from './follower/follower-material.ts';
import type { OwnProgramMaterial } from './own-program-input.ts';
import { platformOn } from './platform.ts';
import type { OpenedSecrets } from './state.ts';

export interface DesignOptions {
  /** Default: kubekeep's own set-up. */
  readonly table?: readonly Renderer[] | undefined;
  /** Where hosts follow the log. */
  readonly material?: FollowerMaterial | undefined;
  /** Where load balancers steer. */
  readonly own?: OwnProgramMaterial | undefined;
}

/** What every reachable host should have. Throws `host-unfit` where the VIP's interface cannot be told, or where a host has a foreign etcd's data. */
export function designsOf(cluster: Cluster, facts: ClusterFacts, { secrets, sealed }: OpenedSecrets, { table = renderers, material, own }: DesignOptions = {}): Map<string, ComponentDesign[]> {
  const seen = [...facts.hosts.values()].filter(reachable);
  const formed = wasFormed(facts);
  const virtualRouterId = seen.find(({ identity }) => identity)?.identity?.virtualRouterId ?? freeRouterId(secrets.clusterId, facts.takenRouterIds ?? []);
  const designs = new Map<string, ComponentDesign[]>();
  for (const host of cluster.hosts) {
    const found = facts.hosts.get(host.name);
    if (!reachable(found)) continue;
    if (!formed) refuseForeignData(host, found);
    refuseForeignNode(host, found, facts.nodes?.nodes.get(host.name));
    refuseFarNodes(cluster, host, found);
    const renderFacts: RenderFacts = {
      vipInterface: vipInterface(cluster, host, found),
      virtualRouterId,
      openFiles: found.openFiles,
      containers: found.containers,
      // A new cluster has no Service yet.
      servicePorts: facts.services || !formed ? servicePortsOf(facts.services ?? new Map()) : undefined,
      podNetworks: facts.nodes && podNetworksOf(facts.nodes),
      etcdInitialState: found.etcd.hasData && !isFromBefore(found, seen) ? (found.etcd.initialState ?? 'new') : formed ? 'existing' : 'new',
    };
    // Node runs on the architecture that it was built for.
    const platform = platformOn(host.name, facts);
    const follower = material?.platform === platform ? material.input(host.name) : undefined;
    designs.set(host.name, hostDesign({ cluster, host, secrets, sealed, facts: renderFacts, follower, own: own?.platform === platform ? own.input : undefined }, table));
  }
  return designs;
}

/** A new cluster on a directory of another one would come up as that one. */
function refuseForeignData({ name, roles }: HostSpec, { etcd, identity }: HostFacts): void {
  if (!roles.includes('etcd') || !etcd.hasData || etcd.initialState !== undefined || identity !== undefined) return;
  throw new KubekeepError('host-unfit', `${name}: ${etcdDataFolder} has the data of an etcd that is not of this cluster`, { hint: 'Move it away if nobody needs it there, then run kubekeep apply again.' });
}

/** A kubelet that works for somebody else is not taken away from them, and a name not from the machine that has it. Throws `host-unfit`. */
export function refuseForeignNode(host: HostSpec, { joined, identity }: Pick<HostFacts, 'joined' | 'identity'>, node: NodeFact | undefined): void {
  if (!isNode(host)) return;
  const { name, address } = host;
  if (!joined && node?.ready && node.address !== address) {
    throw new KubekeepError('host-unfit', `${name} cannot join: the machine at ${node.address ?? 'another address'} is node ${name} of this cluster already`, { hint: 'Give the host another name in the cluster file, or delete that node.' });
  }
  if (!joined || identity !== undefined) return;
  throw new KubekeepError('host-unfit', `${name} is a node of another cluster: its kubelet has a certificate that did not come from here`, { hint: `Take it out of that cluster and ${host.roles.includes('worker') ? `run kubeadm reset on ${name}` : `move ${kubeletFolder}/pki of ${name} away`}, then run kubekeep apply again.` });
}

function podNetworksOf({ nodes }: NodesFact): ReadonlyMap<string, string> {
  return new Map([...nodes].flatMap(([name, { podNetwork }]) => (podNetwork === undefined ? [] : [[name, podNetwork] as const])));
}

function servicePortsOf(services: ServicesFact): ReadonlyMap<string, ServicePorts> {
  return new Map([...services].flatMap(([name, found]) => (found?.nodePort === undefined ? [] : [[name, { nodePort: found.nodePort, health: found.health }] as const])));
}

/** A route to pods leads through a node that the host reaches without a router. */
function refuseFarNodes(cluster: Cluster, host: HostSpec, { addresses }: HostFacts): void {
  if (!hasPodNetwork(cluster, host)) return;
  const { name, address } = host;
  const prefix = addresses.find((one) => one.address === address)?.prefix;
  const far = prefix === undefined ? undefined : nodeHosts(cluster).find((node) => !overlap(`${address}/${prefix}`, node.address));
  if (!far) return;
  throw new KubekeepError('host-unfit', `${name} (${address}/${prefix}) and node ${far.name} (${far.address}) are in different subnets, and cni bridge has no way through routers`, { hint: 'Set spec.networks.cni to none and install a network plugin that has one.' });
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
