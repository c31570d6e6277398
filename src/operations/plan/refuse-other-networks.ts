import type { Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { cniConfig } from '../../render/paths.ts';
import { fixedNetworks } from '../../render/system.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import { wasFormed } from './was-formed.ts';

/**
 * Throws `unsupported-change` where the cluster file has other networks than the cluster was built with. Nodes keep the pods' network and Services the addresses that they were given, and tokens the issuer: a cluster
 * that is told others stops to work. A host that was prepared before this was noted does not know.
 */
export function refuseOtherNetworks(cluster: Cluster, facts: Pick<ClusterFacts, 'hosts'>): void {
  if (!wasFormed(facts)) return;
  refuseOtherCni(cluster, facts);
  const wanted = fixedNetworks(cluster);
  for (const { networks } of [...facts.hosts.values()].filter(reachable).flatMap(({ identity }) => identity ?? [])) {
    const other = networks && (Object.keys(wanted) as (keyof typeof wanted)[]).find((name) => networks[name] !== wanted[name]);
    if (!other) continue;
    throw new KubekeepError('unsupported-change', `spec.networks.${other} is ${wanted[other]}, and the cluster was built with ${networks[other]}, which stays`, { hint: `Set it back to ${networks[other]}. Another one takes another cluster.` });
  }
}

/** A node whose network was ours goes on to say that it has one, and gives its pods none: whatever replaces it needs nodes without. */
function refuseOtherCni({ networks }: Cluster, { hosts }: Pick<ClusterFacts, 'hosts'>): void {
  if (networks.cni === 'bridge') return;
  const node = [...hosts].find(([, found]) => reachable(found) && found.files.has(cniConfig))?.[0];
  if (node === undefined) return;
  throw new KubekeepError('unsupported-change', `spec.networks.cni is ${networks.cni}, and ${node} is a node with the network of cni: bridge`, { hint: 'Set it back to bridge. To change it take the nodes out first (kubekeep hosts remove, or kubelet: false on hosts of the control plane); those that join then get the new one.' });
}
