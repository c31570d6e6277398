import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { ApiError } from '../clients/kubernetes/api-error.ts';
import { whereThere } from '../clients/kubernetes/where-there.ts';
import { nodeHosts, type Cluster } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';
import { controlPlaneKey, managedLabel } from '../render/kubelet.ts';
import { readServices } from './look-at-services.ts';
import { lookAtManifests } from './manifests/manifest-record.ts';
import { wasFormed } from './plan/was-formed.ts';
import { readDns } from './read-dns.ts';
import { hostsWithReadyApi, reachable, type ClusterFacts, type NodeFact, type NodesFact, type PendingRequest } from './facts.ts';
import type { Operation } from './operation.ts';
import { findReadyApi } from './ready-api.ts';

/** On the ConfigMap that kubeadm reads when a machine joins. */
export const joinAnnotation = 'kubekeep.dev/join';
/** On a node that `apply` has closed and opens again, be it the next one. */
export const cordonedAnnotation = 'kubekeep.dev/cordoned-by';
const servingSigner = 'kubernetes.io/kubelet-serving';
/** Of CertificateSigningRequests. */
export const requestsPath = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

/** What API servers know. */
type KnownFacts = Pick<ClusterFacts, 'nodes' | 'dns' | 'manifests' | 'services' | 'unread'>;

/** The nodes of a cluster that has or had some in its file, their DNS, and what its services lead to, from the first API server that was seen to be ready and is; what it does not answer is not known, and said so. */
export async function lookAtNodes(operation: Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal'>, facts: Pick<ClusterFacts, 'hosts'>, secrets: ClusterSecrets): Promise<KnownFacts> {
  const { cluster } = operation;
  // kubeadm was put on hosts of the control plane when the first node came.
  const had = [...facts.hosts.values()].some((found) => reachable(found) && [...found.programs.keys()].some((path) => path.endsWith('/kubeadm')));
  if (nodeHosts(cluster).length === 0 && !had) return {};
  const found = await findReadyApi(operation, hostsWithReadyApi(cluster, facts), secrets);
  if (found.ok) return readAll(found.api, cluster, operation.signal).finally(() => found.api.close());
  const why = ['no API server is ready', ...found.reasons].join('; ');
  return wasFormed(facts) ? { unread: [`nothing is known of nodes and services: ${why}`] } : {};
}

/**
 * Each by itself: that one cannot be read takes nothing from the others.
 * @internal
 */
export async function readAll(api: ApiClient, cluster: Pick<Cluster, 'networks' | 'services'>, signal: AbortSignal): Promise<KnownFacts> {
  const [nodes, dns, manifests, services] = await Promise.all([
    known('nodes', readNodes(api, signal)),
    known('DNS for pods', readDns(api, cluster, signal)),
    known('manifests', lookAtManifests(api, signal)),
    known('what services lead to', cluster.services.length > 0 ? readServices(api, cluster.services, signal) : Promise.resolve(undefined)),
  ]);
  return { nodes: nodes.value, dns: dns.value, manifests: manifests.value, services: services.value, unread: [nodes, dns, manifests, services].flatMap(({ why = [] }) => why) };
}

async function known<T>(what: string, asked: Promise<T>): Promise<{ readonly value?: T; readonly why?: string }> {
  try {
    return { value: await asked };
  } catch (error) {
    if (error instanceof ApiError) return { why: `nothing is known of ${what}: ${error.message}` };
    throw error;
  }
}

/** The nodes, for whoever can do nothing without them; undefined where there were never any. Throws `api-failed` where they could not be read. */
export function knownNodes({ nodes, unread: [why] = [] }: Pick<ClusterFacts, 'nodes' | 'unread'>): NodesFact | undefined {
  if (nodes || why === undefined) return nodes;
  throw new KubekeepError('api-failed', `nothing was changed: ${why}`, { hint: 'kubekeep status says what is wrong with the API servers; then run the same command again.' });
}

/** Throws `api-failed`. */
export async function readNodes(api: ApiClient, signal: AbortSignal): Promise<NodesFact> {
  const nodes = await api.get<{ items: readonly NodeObject[] }>('/api/v1/nodes', { signal });
  const requests = await api.get<{ items: readonly RequestObject[] }>(`${requestsPath}?fieldSelector=${encodeURIComponent(`spec.signerName=${servingSigner}`)}`, { signal });
  const config = await whereThere(api.get<{ metadata: { annotations?: Readonly<Record<string, string>> } }>('/api/v1/namespaces/kube-system/configmaps/kubeadm-config', { signal }));
  return {
    nodes: new Map(nodes.items.map((node) => [node.metadata.name, toNode(node)])),
    requests: requests.items.flatMap(toRequest),
    joinable: config?.metadata.annotations?.[joinAnnotation],
  };
}

/** One node as it is now; undefined where the cluster has none of that name. Throws `api-failed`. */
export async function readNode(api: ApiClient, name: string, signal: AbortSignal): Promise<NodeFact | undefined> {
  const node = await whereThere(api.get<NodeObject>(`/api/v1/nodes/${name}`, { signal }));
  return node && toNode(node);
}

interface NodeObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly podCIDR?: string; readonly unschedulable?: boolean };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: { readonly kubeletVersion: string };
  };
}

function toNode({ metadata, spec, status }: NodeObject): NodeFact {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return {
    ready: ready?.status === 'True',
    alive: ready !== undefined && ready.status !== 'Unknown',
    reason: ready?.status === 'True' ? '' : (ready?.message ?? 'it has not said anything yet'),
    address: status.addresses?.find(({ type }) => type === 'InternalIP')?.address,
    podNetwork: spec.podCIDR,
    kubelet: (status.nodeInfo?.kubeletVersion ?? '').replace(/^v/, ''),
    cordoned: spec.unschedulable === true,
    toBeOpened: metadata.annotations?.[cordonedAnnotation] !== undefined,
    controlPlane: metadata.labels?.[controlPlaneKey] !== undefined,
    managed: metadata.labels?.[managedLabel] !== undefined,
  };
}

interface RequestObject {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly request: string; readonly username?: string; readonly groups?: readonly string[]; readonly usages?: readonly string[] };
  readonly status?: { readonly conditions?: readonly unknown[] };
}

function toRequest({ metadata, spec, status }: RequestObject): PendingRequest[] {
  if ((status?.conditions ?? []).length > 0) return [];
  const user = spec.username ?? '';
  return [{ name: metadata.name, node: user.replace(/^system:node:/, ''), user, groups: spec.groups ?? [], usages: spec.usages ?? [], pem: Buffer.from(spec.request, 'base64').toString() }];
}
