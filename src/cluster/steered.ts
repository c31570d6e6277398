import type { Cluster, HostSpec } from './cluster.ts';
import { nodesOf, type ForwardSpec, type ServiceSpec } from './service.ts';

/** Whether somebody has to look after a service while it serves: its weights follow the load, or its node port that of a Service. */
export function isSteered({ load, forward }: ServiceSpec): boolean {
  return load || followedService(forward) !== undefined;
}

/** The Service whose node port is followed. */
export function followedService(forward: ForwardSpec): Extract<ForwardSpec, { service: string }> | undefined {
  return 'service' in forward ? forward : undefined;
}

/** Whether kubekeep itself runs on a load balancer to steer. */
export function steers({ endpoint, services }: Pick<Cluster, 'endpoint' | 'services'>, { roles }: HostSpec): boolean {
  return roles.includes('load-balancer') && (endpoint.load || services.some(isSteered));
}

/** Whether the traffic to a host follows what it says of its load. */
export function saysItsLoad({ endpoint, services, hosts }: Pick<Cluster, 'endpoint' | 'services' | 'hosts'>, host: HostSpec): boolean {
  return (endpoint.load && host.roles.includes('control-plane')) || services.some((service) => service.load && nodesOf(service, hosts).some(({ name }) => name === host.name));
}
