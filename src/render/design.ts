import type { Cluster, HostSpec } from '../cluster/cluster.ts';
import type { LeafSpec } from '../pki/leaves.ts';
import type { Secret } from '../lib/secret.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';

/** The parts of a host that kubekeep keeps, in the order in which they are brought up. */
export const componentNames = ['system', 'etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'haproxy', 'keepalived', 'steer', 'keeper', 'load-agent', 'containerd', 'kubelet', 'kube-proxy', 'pod-network', 'services', 'service-vips'] as const;
export type ComponentName = (typeof componentNames)[number];

/** What a renderer may look at: the spec, the secrets and a few facts of the host that decide what its files say. */
export interface RenderInput {
  readonly cluster: Cluster;
  readonly host: HostSpec;
  readonly secrets: ClusterSecrets;
  /** The secrets sealed with age, as every control-plane host keeps them: losing the operator's computer loses nothing but the identity. */
  readonly sealed: string;
  readonly facts: RenderFacts;
  /** kubekeep itself, for what it does on hosts; undefined where it cannot run on them. */
  readonly own?: OwnProgramInput | undefined;
  /** What a host needs to follow the log; undefined where it does not, or not yet. */
  readonly follower?: FollowerInput | undefined;
}

/** Paths on the host: the folder with all of kubekeep, and in it Node and the script that it runs. */
export interface OwnProgramInput {
  readonly program: string;
  readonly node: string;
  readonly script: string;
}

/** kubekeep itself, and what it writes with. */
export interface FollowerInput extends OwnProgramInput {
  /** The keys of this host's writer. */
  readonly writer: Secret;
  /** Certificates (PEM) of which one has issued the S3 server's. */
  readonly s3Ca?: string | undefined;
  /** In the form of ~/.aws/credentials. */
  readonly s3Login?: Secret | undefined;
}

export interface RenderFacts {
  /** Interface that carries the VIP on this host. */
  readonly vipInterface: string;
  /** VRRP virtual router id, the same on all balancers of the cluster. */
  readonly virtualRouterId: number;
  /** The host's hard limit of open files. */
  readonly openFiles: number;
  /** What the host's etcd is told for its first start: part of a new cluster, or joining the members that are there. */
  readonly etcdInitialState: 'new' | 'existing';
  readonly containers: ContainerFacts;
  /** Network of each node's pods by the node's name, as the API server has given them out; undefined where it could not be asked. */
  readonly podNetworks: ReadonlyMap<string, string> | undefined;
  /** Ports of what services lead to, by the service's name, as the API server has given them out; undefined where it could not be asked. */
  readonly servicePorts?: ReadonlyMap<string, ServicePorts> | undefined;
}

export interface ServicePorts {
  readonly nodePort: number;
  /** Where kube-proxy says whether a node has pods of it; of a Service of the type LoadBalancer with externalTrafficPolicy Local only. */
  readonly health: number | undefined;
}

/** What decides how a host runs containers. */
export interface ContainerFacts {
  /** Version of cgroups. */
  readonly cgroups: 1 | 2;
  /** The host is a container itself, and may not change some settings of its kernel. */
  readonly nested: boolean;
  /** The file with the name servers that the host really asks. */
  readonly resolvConf: string;
}

/** A file as it should be. Its content is given, or made when it is needed: a certificate with its key is issued at the time of writing. */
export type DesiredFile = DesiredContent | DesiredLeaf;

export interface DesiredContent {
  readonly path: string;
  readonly mode: number;
  readonly owner: string;
  /** A Secret is never shown by `render` or `plan`. */
  readonly content: string | Secret;
}

/** A certificate and its key; the key never exists anywhere but on the host. */
export interface DesiredLeaf {
  readonly path: string;
  readonly leaf: LeafSpec;
}

export interface ComponentDesign {
  readonly name: ComponentName;
  /** Main systemd unit; none for `system`. */
  readonly unit?: string;
  /** Units that run beside the main one and restart with it. */
  readonly companions?: readonly string[];
  /** Program name → absolute path on the host. */
  readonly programs: Readonly<Record<string, string>>;
  readonly files: readonly DesiredFile[];
  /** The main configuration and the command that refuses a broken one; the candidate's path is its last argument. */
  readonly check?: { readonly path: string; readonly command: string };
  /** How a changed file comes into force; a changed program or unit always restarts. */
  readonly onChange: 'restart' | 'reload';
}

/** One renderer per component: what it needs on a host, or nothing where the host lacks the role. Another table is another set-up. */
export type Renderer = (input: RenderInput) => ComponentDesign | undefined;

export function isLeaf(file: DesiredFile): file is DesiredLeaf {
  return 'leaf' in file;
}
