import { followsLog, isNode, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import type { HostFacts } from '../facts.ts';

const forBalancers = ['haproxy', 'keepalived', 'socat'];
/** nftables is kube-proxy's, iptables that of the network plugin which opens host ports. */
const forNodes = ['containerd', 'runc', 'containernetworking-plugins', 'nftables', 'iptables'];
/** All that some host may need. */
export const hostPackages: readonly string[] = ['curl', ...forBalancers, ...forNodes];

/** Packages of the distribution that a host needs for its roles. */
export function packagesFor(host: HostSpec): string[] {
  return hostPackages.filter((name) => name === 'curl' || (host.roles.includes('load-balancer') && forBalancers.includes(name)) || (isNode(host) && forNodes.includes(name)));
}

/** System users that a host needs for its roles. */
export function usersFor(cluster: Cluster, host: HostSpec): string[] {
  return [...(host.roles.includes('etcd') ? ['etcd'] : []), ...(host.roles.includes('control-plane') ? ['kubernetes'] : []), ...(followsLog(cluster, host) ? ['kubekeep'] : [])];
}

/** What a host lacks before files can be put on it, in words. */
export function preparationReasons(cluster: Cluster, host: HostSpec, facts: HostFacts): string[] {
  const packages = packagesFor(host).filter((name) => !facts.packages.has(name));
  const users = usersFor(cluster, host).filter((name) => !facts.users.has(name));
  return [
    ...(packages.length > 0 ? [`packages ${packages.join(', ')} are missing`] : []),
    ...users.map((name) => `user ${name} is missing`),
    ...unmaskedPackageUnits(host, facts).map((unit) => `${unit} of the distribution is not masked`),
    ...(host.roles.includes('load-balancer') && !facts.nonlocalBind ? ['net.ipv4.ip_nonlocal_bind is off'] : []),
  ];
}

/** The packages' own units must never start: they would bind the same ports with another configuration. */
function unmaskedPackageUnits(host: HostSpec, facts: HostFacts): string[] {
  if (!host.roles.includes('load-balancer')) return [];
  return ['haproxy.service', 'keepalived.service'].filter((unit) => facts.units.get(unit)?.load !== 'masked');
}
