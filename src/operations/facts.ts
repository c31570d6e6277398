import { hostsWith, type Cluster, type HostSpec, type Networks } from '../cluster/cluster.ts';
import type { FollowerFact } from './follower/follower-fact.ts';
import type { ContainerFacts } from '../render/design.ts';
import type { ServingRequest } from '../pki/judge-serving-request.ts';

/** What was seen on the hosts at one moment. Immutable; says nothing about what should be. */
export interface ClusterFacts {
  /** Milliseconds since the epoch. */
  readonly observedAt: number;
  /** By host name, in the order of the cluster file. */
  readonly hosts: ReadonlyMap<string, HostFacts | Unreachable>;
  /** VRRP ids of others that were heard in the network; undefined where nobody listened. */
  readonly takenRouterIds?: readonly number[];
  /** The nodes as an API server knows them; undefined where there were never any, or that could not be read. */
  readonly nodes?: NodesFact | undefined;
  /** What services lead to, by the service's name; undefined where there are none, or that could not be read. */
  readonly services?: ServicesFact | undefined;
  /** DNS for pods, as an API server knows it; undefined likewise. */
  readonly dns?: DnsFact | undefined;
  /** What came by `apply --manifest`; undefined likewise. */
  readonly manifests?: readonly ManifestFact[] | undefined;
  /** What API servers should have said and did not, and why, in sentences. */
  readonly unread?: readonly string[];
}

export interface ManifestFact {
  /** Its name, without its folder. */
  readonly file: string;
  /** Objects of it that are not there any more, as they are spoken of. */
  readonly gone: readonly string[];
}

/** Undefined: the cluster has no such Service. */
export type ServicesFact = ReadonlyMap<string, KubernetesService | undefined>;

/** A Service of Kubernetes, and one of its ports. */
export interface KubernetesService {
  /** NAMESPACE/NAME. */
  readonly name: string;
  /** Undefined where it has no such port, or none of the nodes'. */
  readonly nodePort: number | undefined;
  /** It has externalTrafficPolicy Local. */
  readonly local: boolean;
  /** Where kube-proxy says whether a node has pods of it. */
  readonly health: number | undefined;
  /** Nodes with pods of it that are ready; one for each pod. */
  readonly readyOn: readonly string[];
}

export interface DnsFact {
  /** The Service at the address that kubelets tell pods, NAMESPACE/NAME. */
  readonly service: { readonly name: string; readonly ours: boolean } | undefined;
  readonly config: boolean;
  readonly deployment: {
    /** What it was made with (`dnsHash`), where kubekeep made it. */
    readonly told: string | undefined;
    /** Hash of the template of its pods: as it was then, and as it is. */
    readonly made: string | undefined;
    readonly template: string;
    /** Pods: how many are wanted, and how many are ready. */
    readonly replicas: number;
    readonly ready: number;
  } | undefined;
}

export interface NodesFact {
  readonly nodes: ReadonlyMap<string, NodeFact>;
  /** Serving certificates that kubelets ask for and nobody has decided on; a node's newest one last. */
  readonly requests: readonly PendingRequest[];
  /** What the cluster was made joinable with (`joinHash`); undefined where it was not. */
  readonly joinable: string | undefined;
}

export interface NodeFact {
  readonly ready: boolean;
  /** Its kubelet says how it is, if only that it is not ready: it can end pods. */
  readonly alive: boolean;
  /** Why not, in Kubernetes' words. */
  readonly reason: string;
  readonly address: string | undefined;
  readonly podNetwork: string | undefined;
  readonly kubelet: string;
  readonly cordoned: boolean;
  /** `apply` has closed it, and has not opened it again. */
  readonly toBeOpened: boolean;
  /** Labelled as a host of the control plane. */
  readonly controlPlane: boolean;
  /** It came by `apply`. */
  readonly managed: boolean;
}

export interface PendingRequest extends ServingRequest {
  /** Of the CertificateSigningRequest. */
  readonly name: string;
  readonly node: string;
}

export interface Unreachable {
  readonly reachable: false;
  readonly reason: string;
}

export interface HostFacts {
  readonly reachable: true;
  readonly os: string;
  readonly architecture: string;
  readonly openFiles: number;
  /** Its own: milliseconds since the epoch, to the second. */
  readonly clock: number;
  readonly addresses: readonly { readonly interface: string; readonly address: string; readonly prefix: number }[];
  /** By path; every file in kubekeep's places. */
  readonly files: ReadonlyMap<string, FileFact>;
  /** PEM by path. */
  readonly certificates: ReadonlyMap<string, string>;
  /** Path of a private key or a program → SHA-256 that was recorded when it was put there. */
  readonly recordedSums: ReadonlyMap<string, string>;
  /** Path of a program → SHA-256. */
  readonly programs: ReadonlyMap<string, string>;
  readonly units: ReadonlyMap<string, UnitFact>;
  /** Units whose files were changed by an operation that did not get to restarting them. */
  readonly pendingUnits: ReadonlySet<string>;
  readonly packages: ReadonlyMap<string, string>;
  readonly users: ReadonlySet<string>;
  readonly nonlocalBind: boolean;
  /** TCP ports on which something listens at all addresses. */
  readonly openPorts?: ReadonlySet<number>;
  readonly containers: ContainerFacts;
  /** Its kubelet has a certificate of some cluster that has not run out. */
  readonly joined: boolean;
  /** /etc/kubekeep/cluster.json, where it is there. */
  readonly identity: HostIdentity | undefined;
  /** The sealed secrets, where the host keeps a copy. */
  readonly sealed: string | undefined;
  /** The cluster was built to its end once. */
  readonly completed: boolean;
  /** A restore of the whole cluster that was begun and is not finished: its record, JSON. */
  readonly restoring: string | undefined;
  /** The restore that etcd's data on this host came from, and which attempt of it. */
  readonly restored: string | undefined;
  /** Ids of restores that this host knows to be over. */
  readonly endedRestores: readonly string[];
  readonly etcd: EtcdFact;
  /** Addresses of the other load balancers, as keepalived of the API's VIP was told them. */
  readonly balancerPeers?: readonly string[];
  /** Undefined where none says anything: none runs, or it has not opened the repository. */
  readonly follower?: FollowerFact | undefined;
  readonly apiServer: { readonly live: boolean; readonly ready: boolean };
  /** Servers as this host's HAProxy sees them; empty where it does not answer. */
  readonly backends: readonly BackendFact[];
  /** Servers as this host's HAProxy of services sees them; none where it does not answer or there is none. */
  readonly serviceServers?: readonly BackendFact[];
}

export interface HostIdentity {
  readonly cluster: string;
  readonly id: string;
  readonly virtualRouterId: number;
  /** What the cluster was built with; earlier releases did not note it. */
  readonly networks?: Pick<Networks, 'pods' | 'services' | 'dnsDomain'>;
}

export interface FileFact {
  readonly sha256: string;
  readonly mode: number;
  readonly owner: string;
}

export interface UnitFact {
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  readonly enabled: string;
  readonly needsReload: boolean;
}

export interface EtcdFact {
  readonly hasData: boolean;
  /** The cluster has had a quorum once: it is never bootstrapped again. */
  readonly formed: boolean;
  /** `initial-cluster-state` in the file that is there. */
  readonly initialState: 'new' | 'existing' | undefined;
  readonly ready: boolean;
}

export interface BackendFact {
  readonly backend: string;
  readonly server: string;
  readonly status: string;
  /** Up, and not on its way up or down ("UP 1/2"). */
  readonly serves: boolean;
  readonly lastCheck: string;
  /** The same in words. */
  readonly lastCheckText?: string;
  readonly sessions: number;
}

export function reachable(facts: HostFacts | Unreachable | undefined): facts is HostFacts {
  return facts?.reachable === true;
}

/** Control-plane hosts whose API server was ready. */
export function hostsWithReadyApi(cluster: Cluster, { hosts }: Pick<ClusterFacts, 'hosts'>): readonly HostSpec[] {
  return hostsWith(cluster, 'control-plane').filter(({ name }) => {
    const found = hosts.get(name);
    return reachable(found) && found.apiServer.ready;
  });
}
