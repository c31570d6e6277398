import { ApiError } from '../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import type { ServiceSpec } from '../cluster/service.ts';
import type { KubernetesService, ServicesFact } from './facts.ts';

/** What each service leads to. Throws `api-failed`. */
export async function readServices(api: ApiClient, services: readonly ServiceSpec[], signal: AbortSignal): Promise<ServicesFact> {
  // A node port does not say whose it is.
  const all = services.some(({ forward }) => 'nodePort' in forward) ? (await api.get<{ items: readonly ServiceObject[] }>('/api/v1/services', { signal })).items : [];
  const found = new Map<string, KubernetesService | undefined>();
  for (const { name, forward } of services) {
    const object = 'nodePort' in forward ? all.find(({ spec }) => spec.ports?.some(({ nodePort }) => nodePort === forward.nodePort)) : await readService(api, forward, signal);
    const port = object?.spec.ports?.find((one) => ('nodePort' in forward ? one.nodePort === forward.nodePort : one.name === forward.port || String(one.port) === forward.port));
    found.set(name, object && { ...toFact(object), nodePort: port?.nodePort, readyOn: await readyOn(api, object.metadata, signal) });
  }
  return found;
}

interface ServiceObject {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: {
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly nodePort?: number }[];
    readonly externalTrafficPolicy?: string;
    readonly healthCheckNodePort?: number;
  };
}

function toFact({ metadata, spec }: ServiceObject): Omit<KubernetesService, 'nodePort' | 'readyOn'> {
  return { name: `${metadata.namespace}/${metadata.name}`, local: spec.externalTrafficPolicy === 'Local', health: spec.healthCheckNodePort };
}

async function readService(api: ApiClient, { namespace, service }: { readonly namespace: string; readonly service: string }, signal: AbortSignal): Promise<ServiceObject | undefined> {
  return api.get<ServiceObject>(`/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(service)}`, { signal }).catch((error: unknown) => {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  });
}

interface SliceObject {
  readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean }; readonly nodeName?: string }[] | null;
}

async function readyOn(api: ApiClient, { namespace, name }: ServiceObject['metadata'], signal: AbortSignal): Promise<readonly string[]> {
  const slices = await api.get<{ items: readonly SliceObject[] }>(`/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices?labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${name}`)}`, { signal });
  return slices.items.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).map(({ nodeName = '' }) => nodeName));
}
