import type { Cluster } from '../../cluster/cluster.ts';
import { nodesOf, type ForwardSpec, type ServiceSpec } from '../../cluster/service.ts';
import type { KubernetesService, ServicesFact } from '../facts.ts';

export interface ServiceProblem {
  /** A sentence without its full stop. */
  readonly message: string;
  /** What to do about it, a sentence. */
  readonly next: string;
}

/** Why services cannot work as they are written, from what the API server knows of them. */
export function serviceProblems(cluster: Pick<Cluster, 'services' | 'hosts'>, services: ServicesFact | undefined): readonly ServiceProblem[] {
  return services === undefined ? [] : cluster.services.flatMap((service) => problemsOf(service, services.get(service.name), cluster));
}

function problemsOf(service: ServiceSpec, found: KubernetesService | undefined, { hosts }: Pick<Cluster, 'hosts'>): ServiceProblem[] {
  const { name, forward } = service;
  if (!found) return [{ message: `service ${name} leads to ${leadsTo(forward)}, which the cluster does not have`, next: 'Make that Service, of the type NodePort or LoadBalancer, or correct forward in the cluster file.' }];
  if (found.nodePort === undefined) return [{ message: `service ${name} leads to ${leadsTo(forward)}, and that Service has no such port with a node port`, next: 'Give it the type NodePort or LoadBalancer, or correct forward in the cluster file.' }];
  const refused = refusal(service, found);
  if (refused) return [refused];
  if (found.readyOn.length === 0) return [{ message: `service ${name} has no pod: no endpoint of ${found.name} is ready`, next: `kubekeep kubectl -- describe service --namespace ${found.name.replace('/', ' ')} says which pods it selects.` }];
  const nodes = nodesOf(service, hosts).map((host) => host.name);
  if (found.local && !found.readyOn.some((node) => nodes.includes(node))) return [{ message: `service ${name} has no pod on ${nodes.join(', ')}, and ${found.name} has externalTrafficPolicy Local`, next: 'Let its pods run there, or choose other nodes in the cluster file.' }];
  return [];
}

/** Why it cannot be done as the file says, whatever pods there are; undefined where it can. */
export function refusal({ name, load, check }: ServiceSpec, { name: found, local, health }: KubernetesService): ServiceProblem | undefined {
  if (load && !local) return { message: `service ${name} cannot follow the load of its nodes: ${found} has externalTrafficPolicy Cluster, with which each node sends connections on to pods of any node`, next: `Set externalTrafficPolicy: Local there, or take load: true out of the cluster file.` };
  if (check === 'local' && health === undefined) return { message: `service ${name} cannot be checked by kube-proxy: ${found} has not both the type LoadBalancer and externalTrafficPolicy Local, so nodes do not say whether they have pods of it`, next: 'Give it both, or take another check in the cluster file.' };
  return undefined;
}

/** In words. */
export function leadsTo(forward: ForwardSpec): string {
  return 'nodePort' in forward ? `node port ${forward.nodePort}` : `${forward.namespace}/${forward.service}:${forward.port}`;
}
