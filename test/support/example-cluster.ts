import type { Cluster, HostSpec } from '../../src/cluster/cluster.ts';
import type { ServiceSpec } from '../../src/cluster/service.ts';

/** 23 November 2026, noon. */
export const now = Date.UTC(2026, 10, 23, 12);
export const day = 86_400_000;

export function aHost(changes: Partial<HostSpec> = {}): HostSpec {
  const address = '10.0.0.11';
  return { name: 'cp1', address, roles: ['etcd', 'control-plane', 'load-balancer'], ssh: { address, port: 22, user: 'root' }, ...changes };
}

export function aService(changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return { name: 'shop', listen: { vip: '10.0.0.100', port: 443 }, forward: { nodePort: 30443 }, labels: {}, balance: 'roundrobin', load: false, check: 'tcp', mode: 'tcp', maxConnections: 4000, ...changes };
}

export const cluster: Cluster = {
  name: 'prod',
  endpoint: { vip: '10.0.0.100', prefix: 24, port: 6443, names: ['api.example'], previousVips: ['10.0.0.99'], load: false },
  kubernetes: {
    version: '1.37.2',
    imageRepository: 'registry.k8s.io',
    extraSans: ['k8s.example', '192.0.2.7'],
    apiServer: { extraFlags: {} },
    controllerManager: { extraFlags: {} },
    scheduler: { extraFlags: {} },
  },
  etcd: { version: '3.7.3', heartbeatInterval: 50, electionTimeout: 500, quotaBackendBytes: 2 ** 33 },
  networks: { pods: '10.244.0.0/16', services: '10.96.0.0/12', dnsDomain: 'cluster.local', dns: 'coredns', cni: 'bridge' },
  programs: { source: 'auto' },
  hosts: [aHost()],
  services: [],
};
