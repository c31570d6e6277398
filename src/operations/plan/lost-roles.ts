import type { Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { ComponentName } from '../../render/design.ts';
import { unitFolder } from '../../render/paths.ts';
import { reachable, type ClusterFacts, type HostFacts } from '../facts.ts';
import type { SeenHost, Step } from './step.ts';

/** What a balancer runs for the API, keepalived's first: the VIP leaves before the HAProxy that serves it ends. */
export const balancerUnits = {
  keepalived: ['kubekeep-keepalived.service', 'kubekeep-lb-alive.service', 'kubekeep-vip-guard.service'],
  haproxy: ['kubekeep-haproxy.service'],
} as const satisfies Partial<Record<ComponentName, readonly string[]>>;

const effects = { keepalived: 'the VIP moves if it is here', haproxy: 'connections through this host end' } as const;

/**
 * Takes the VIP's keepalived and HAProxy off hosts that are load balancers no more. These steps come before the other balancers change: those do not listen to one that is not in the file, and would hold the VIP
 * beside it.
 */
export function balancerRemovals(seen: readonly SeenHost[]): Step[] {
  return seen.filter(({ host }) => !host.roles.includes('load-balancer')).flatMap(({ host, found }) =>
    (['keepalived', 'haproxy'] as const).filter((component) => has(found, balancerUnits[component])).map((component): Step => ({
      id: `${host.name}/${component}`, host: host.name, component, title: `${component}: remove`, reasons: [`${host.name} is not a load balancer any more`], action: 'remove', write: [], programs: [], effect: effects[component],
    })));
}

/** Throws `unsupported-change` where a host has an etcd or an API server of ours and not the role any more: it would go on beside the others. */
export function refuseLostRoles(cluster: Cluster, facts: Pick<ClusterFacts, 'hosts'>): void {
  for (const { name, roles } of cluster.hosts) {
    const found = facts.hosts.get(name);
    if (!reachable(found)) continue;
    for (const [role, unit] of [['etcd', 'etcd.service'], ['control-plane', 'kube-apiserver.service']] as const) {
      if (roles.includes(role) || !has(found, [unit])) continue;
      throw new KubekeepError('unsupported-change', `${name} runs ${unit} of this cluster and does not have the role ${role} in the cluster file any more`, { hint: `Give ${name} the role ${role} back. Hosts with other roles are made with kubekeep backup run, kubekeep destroy with the old cluster file, and kubekeep restore cluster --at latest with the new one and KUBEKEEP_IDENTITY set to the identity that destroy keeps.` });
    }
  }
}

function has({ files }: HostFacts, units: readonly string[]): boolean {
  return units.some((unit) => files.has(`${unitFolder}/${unit}`));
}
