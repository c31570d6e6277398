export const balances = ['roundrobin', 'leastconn', 'random-2', 'source'] as const;
export const proxyProtocols = ['v1', 'v2'] as const;

/** A service of the cluster that HAProxy on the load balancers serves to clients outside. */
export interface ServiceSpec {
  readonly name: string;
  readonly listen: { readonly vip: string; readonly port: number };
  readonly forward: ForwardSpec;
  /** Labels that each of its hosts, which are workers, has. */
  readonly labels: Readonly<Record<string, string>>;
  readonly balance: (typeof balances)[number];
  /** Weights follow the load of the nodes. */
  readonly load: boolean;
  readonly check: CheckSpec;
  readonly mode: 'tcp' | 'http';
  readonly proxyProtocol?: (typeof proxyProtocols)[number] | undefined;
  /** Connections of one balancer to one node. */
  readonly maxConnections: number;
}

/** A node port, or a Service whose node port is found; `port` by name or number. */
export type ForwardSpec = { readonly nodePort: number } | { readonly namespace: string; readonly service: string; readonly port: string };

/** `local`: kube-proxy's health check of a Service with externalTrafficPolicy Local. */
export type CheckSpec = 'tcp' | 'local' | { readonly http: { readonly path: string; readonly expect: string } };

/** What the balancer of the API is called among the services. */
export const apiService = 'api';

/** HAProxy's name of what serves a service; its servers are called as their nodes. */
export function backendOf(service: string): string {
  return `${backendPrefix}${service}`;
}

/** The service of a backend, undefined where it is none of one. */
export function serviceOf(backend: string): string | undefined {
  return backend.startsWith(backendPrefix) ? backend.slice(backendPrefix.length) : undefined;
}

const backendPrefix = 'service-';

/** HAProxy's name of the server that is tried, unchecked, where all seem dead. */
export function uncheckedTwin(server: string): string {
  return `${server}${twinSuffix}`;
}

export function isUncheckedTwin(server: string): boolean {
  return server.endsWith(twinSuffix);
}

const twinSuffix = '-unchecked';

/** The hosts to which a service sends connections, in the order of the file. */
export function nodesOf<Host extends { readonly roles: readonly string[]; readonly labels?: Readonly<Record<string, string>> | undefined }>({ labels }: Pick<ServiceSpec, 'labels'>, hosts: readonly Host[]): readonly Host[] {
  return hosts.filter((host) => host.roles.includes('worker') && Object.entries(labels).every(([name, value]) => host.labels?.[name] === value));
}

/** VIPs of services beside the endpoint's, in the order of the file, each once. */
export function serviceVips({ endpoint, services }: { readonly endpoint: { readonly vip: string }; readonly services: readonly Pick<ServiceSpec, 'listen'>[] }): readonly string[] {
  return [...new Set(services.map(({ listen }) => listen.vip))].filter((vip) => vip !== endpoint.vip);
}
