import type { Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { fixedNetworks } from '../../render/system.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import { wasFormed } from './was-formed.ts';

/**
 * Throws `unsupported-change` where the cluster file has other networks than the cluster was built with. Nodes keep the pods' network and Services the addresses that they were given, and tokens the issuer: a cluster
 * that is told others stops to work. A host that was prepared before this was noted does not know.
 */
export function refuseOtherNetworks(cluster: Cluster, facts: Pick<ClusterFacts, 'hosts'>): void {
  if (!wasFormed(facts)) return;
  const wanted = fixedNetworks(cluster);
  for (const { networks } of [...facts.hosts.values()].filter(reachable).flatMap(({ identity }) => identity ?? [])) {
    const other = networks && (Object.keys(wanted) as (keyof typeof wanted)[]).find((name) => networks[name] !== wanted[name]);
    if (!other) continue;
    throw new KubekeepError('unsupported-change', `spec.networks.${other} is ${wanted[other]}, and the cluster was built with ${networks[other]}, which stays`, { hint: `Set it back to ${networks[other]}. Another one takes another cluster.` });
  }
}
