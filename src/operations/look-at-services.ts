import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { whereThere } from '../clients/kubernetes/where-there.ts';
import type { ServiceSpec } from '../cluster/service.ts';
import type { KubernetesService, ServicesFact } from './facts.ts';

/** What each service leads to. Throws `api-failed`. */
export async function readServices(api: ApiClient, services: readonly ServiceSpec[], signal: AbortSignal): Promise<ServicesFact> {
  // A node port does not say whose it is.
  const all = services.some(({ forward }) => 'nodePort' in forward) ? (await api.get<{ items: readonly ServiceObject[] }>('/api/v1/services', { signal })).items : [];
  const found = new Map<string, KubernetesService | undefined>();
  for (const { name, forward } of services) {
    const object = 'nodePort' in forward ? all.find(({ spec }) => spec.ports?.some(({ nodePort }) => nodePort === forward.nodePort)) : await readService(api, forward, signal);
    const port = 'nodePort' in forward ? object?.spec.ports?.find((one) => one.nodePort === forward.nodePort) : portCalled(object?.spec.ports, forward.port);
    found.set(name, object && { ...toFact(object), nodePort: port?.nodePort, readyOn: await readyOn(api, object.metadata, signal) });
  }
  return found;
}

/** A port of a Service of Kubernetes. */
interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly nodePort?: number;
}

/** The port of that name or number. */
export function portCalled(ports: readonly ServicePort[] | undefined, port: string): ServicePort | undefined {
  return ports?.find((one) => one.name === port || String(one.port) === port);
}

interface ServiceObject {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: {
    readonly ports?: readonly ServicePort[];
    readonly externalTrafficPolicy?: string;
    readonly healthCheckNodePort?: number;
  };
}

function toFact({ metadata, spec }: ServiceObject): Omit<KubernetesService, 'nodePort' | 'readyOn'> {
  return { name: `${metadata.namespace}/${metadata.name}`, local: spec.externalTrafficPolicy === 'Local', health: spec.healthCheckNodePort };
}

/** A Service, undefined where there is none of that name. Throws `api-failed`. */
export async function readService(api: Pick<ApiClient, 'get'>, { namespace, service }: { readonly namespace: string; readonly service: string }, signal: AbortSignal): Promise<ServiceObject | undefined> {
  return whereThere(api.get<ServiceObject>(`/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(service)}`, { signal }));
}

interface SliceObject {
  readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean }; readonly nodeName?: string }[] | null;
}

async function readyOn(api: ApiClient, { namespace, name }: ServiceObject['metadata'], signal: AbortSignal): Promise<readonly string[]> {
  const slices = await api.get<{ items: readonly SliceObject[] }>(`/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices?labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${name}`)}`, { signal });
  return slices.items.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).map(({ nodeName = '' }) => nodeName));
}
