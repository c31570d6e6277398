import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { whereThere } from '../clients/kubernetes/where-there.ts';
import { addressInNetwork, type Cluster } from '../cluster/cluster.ts';
import type { DnsFact } from './facts.ts';
import { contentHash } from './plan/judge-component.ts';

/** On the Service and the Deployment: what kubekeep made them with. */
export const dnsAnnotation = 'kubekeep.dev/dns';
/** On the Deployment: the template of its pods as it was then. */
export const dnsPodsAnnotation = 'kubekeep.dev/dns-pods';
/** On the ConfigMap: its content as it was then. */
export const corefileAnnotation = 'kubekeep.dev/corefile';
export const dnsDeploymentPath = '/apis/apps/v1/namespaces/kube-system/deployments/coredns';
export const dnsConfigPath = '/api/v1/namespaces/kube-system/configmaps/coredns';

/** Throws `api-failed`. */
export async function readDns(api: ApiClient, { networks }: Pick<Cluster, 'networks'>, signal: AbortSignal): Promise<DnsFact> {
  const selector = encodeURIComponent(`spec.clusterIP=${addressInNetwork(networks.services, 10)}`);
  const [services, deployment, config] = await Promise.all([
    api.get<{ items: readonly Annotated[] }>(`/api/v1/services?fieldSelector=${selector}`, { signal }),
    whereThere(api.get<DnsDeployment>(dnsDeploymentPath, { signal })),
    whereThere(api.get(dnsConfigPath, { signal })),
  ]);
  const [service] = services.items;
  return {
    service: service && { name: `${service.metadata.namespace}/${service.metadata.name}`, ours: service.metadata.annotations?.[dnsAnnotation] !== undefined },
    config: config !== undefined,
    deployment: deployment && { told: deployment.metadata.annotations?.[dnsAnnotation], made: deployment.metadata.annotations?.[dnsPodsAnnotation], template: podsHash(deployment), replicas: deployment.spec.replicas, ready: deployment.status?.readyReplicas ?? 0 },
  };
}

interface Annotated {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

export interface DnsDeployment extends Annotated {
  readonly spec: { readonly replicas: number; readonly template: object };
  readonly status?: { readonly availableReplicas?: number; readonly readyReplicas?: number };
}

/** API servers write the fields of an object always in the same order. */
export function podsHash({ spec }: Pick<DnsDeployment, 'spec'>): string {
  return contentHash(JSON.stringify(spec.template));
}
