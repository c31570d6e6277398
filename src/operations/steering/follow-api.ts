import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { SteeredSpec } from '../../render/steer.ts';
import { portCalled, type ServicePort } from '../look-at-services.ts';

/** The names of the nodes that take no new pods. */
export async function cordonedNodes(api: Pick<ApiClient, 'get'>, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { items } = await api.get<{ readonly items: readonly { readonly metadata: { readonly name: string } }[] }>(`/api/v1/nodes?fieldSelector=${encodeURIComponent('spec.unschedulable=true')}`, { signal });
  return new Set(items.map(({ metadata }) => metadata.name));
}

/** The node port of a Service, undefined where it has none for that port. */
export async function nodePortOf(api: Pick<ApiClient, 'get'>, { namespace, service, port }: NonNullable<SteeredSpec['follow']>, signal: AbortSignal): Promise<number | undefined> {
  const { spec } = await api.get<{ readonly spec: { readonly ports?: readonly ServicePort[] } }>(`/api/v1/namespaces/${namespace}/services/${service}`, { signal });
  return portCalled(spec.ports, port)?.nodePort;
}
