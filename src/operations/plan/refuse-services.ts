import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import { refusal } from './service-problems.ts';

/** Throws where a service would not do what the file says, whatever is put on the hosts: `unsupported-change` where its Service does not fit, `host-unfit` where a balancer cannot listen. */
export function refuseServices(cluster: Cluster, { services: found, hosts }: Pick<ClusterFacts, 'services' | 'hosts'>): void {
  for (const service of cluster.services) {
    const known = found?.get(service.name);
    const refused = known && refusal(service, known);
    if (refused) throw new KubekeepError('unsupported-change', refused.message, { hint: refused.next });
    const { port } = service.listen;
    const taken = hostsWith(cluster, 'load-balancer').find(({ name }) => isTaken(port, hosts.get(name)));
    if (taken) throw new KubekeepError('host-unfit', `${taken.name}: port ${port} of service ${service.name} is taken by a program that listens on it at all addresses`, { hint: `Stop it (ss -ltnp on ${taken.name} names it), or give the service another port.` });
  }
}

/** HAProxy itself listens on VIPs only. */
function isTaken(port: number, host: Parameters<typeof reachable>[0]): boolean {
  return reachable(host) && host.openPorts?.has(port) === true;
}
