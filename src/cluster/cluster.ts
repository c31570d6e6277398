import type { ServiceSpec } from './service.ts';

/**
 * The desired state after parsing, defaults and validation: what the rest of the program works with. Immutable; knows nothing of what is
 * really there. `parse-cluster-file.ts` makes it from the user's YAML.
 */
export const roles = ['etcd', 'control-plane', 'load-balancer', 'worker'] as const;
export type Role = (typeof roles)[number];

/** A cluster as far as backups need to know it, whoever built it. */
export interface BackedUpCluster {
  readonly name: string;
  readonly kubernetes: Kubernetes;
  readonly networks: Networks;
  /** Without a version where the members' own replays what they had. */
  readonly etcd: { readonly version?: string | undefined };
  readonly programs: ProgramsSpec;
  readonly backup?: BackupSpec | undefined;
}

/** One that kubekeep builds. */
export interface Cluster extends BackedUpCluster {
  readonly endpoint: Endpoint;
  readonly etcd: EtcdSpec;
  /** In the order of the file. */
  readonly hosts: readonly HostSpec[];
  /** In the order of the file. */
  readonly services: readonly ServiceSpec[];
}

/** One that somebody else built: kubekeep knows its etcd alone, and changes nothing there. */
export interface ExternalCluster extends BackedUpCluster {
  readonly external: { readonly etcd: ExternalEtcd };
}

export interface ExternalEtcd {
  /** https addresses with a host and a port and nothing else, in the order of the file. */
  readonly endpoints: readonly string[];
  /** Absolute paths of PEM files: the CA of the members' server certificates, and a certificate and key that they take. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface Endpoint {
  /** IPv4 address held by keepalived. */
  readonly vip: string;
  /** Prefix length of the VIP's subnet, 8 to 32. */
  readonly prefix: number;
  readonly port: number;
  /** DNS names; the first one, where there is one, is what kubeconfigs name. */
  readonly names: readonly string[];
  /** Addresses that stay up beside `vip` until they are taken out of the file. */
  readonly previousVips: readonly string[];
  /** Weights of the API servers follow their load. */
  readonly load: boolean;
}

export interface Kubernetes {
  readonly version: string;
  /** Registry, with or without a path, of the images of Kubernetes itself. */
  readonly imageRepository: string;
  /** More names and addresses for the API server's certificate. */
  readonly extraSans: readonly string[];
  readonly apiServer: ComponentSpec;
  readonly controllerManager: ComponentSpec;
  readonly scheduler: ComponentSpec;
}

export interface ComponentSpec {
  /** Flag without dashes → value; they win over kubekeep's own. */
  readonly extraFlags: Readonly<Record<string, string>>;
}

export interface EtcdSpec {
  readonly version: string;
  /** Milliseconds, the same on all members. */
  readonly heartbeatInterval: number;
  readonly electionTimeout: number;
  readonly quotaBackendBytes: number;
}

export interface BackupSpec {
  /** Absolute path of a folder, or `s3://BUCKET` with or without a prefix. */
  readonly repository: string;
  readonly s3?: S3Spec | undefined;
  /** Bytes a second that bases may write. */
  readonly bandwidth?: number | undefined;
  /** age recipients beside the cluster's own identity. */
  readonly recipients: readonly string[];
  /** Those of them, or others, that can read the cluster's keys; default: the recipients. */
  readonly escrow?: readonly string[] | undefined;
  readonly keep?: BackupKeep | undefined;
  /** Who follows the log besides whoever is started by hand: services on the hosts that have etcd. */
  readonly follow?: 'hosts' | undefined;
}

/** Which bases are kept: so many of each. */
export interface BackupKeep {
  /** ms for which every revision is kept. */
  readonly within: number;
  readonly last: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly rehearsed: number;
}

export interface S3Spec {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** Absolute path of a file with PEM certificates. */
  readonly ca?: string | undefined;
  readonly pathStyle?: boolean | undefined;
  /** Absolute path of a file with the login of the hosts, in the form of ~/.aws/credentials. */
  readonly hostCredentials?: string | undefined;
}

/** `bridge`: by kubekeep, for hosts in one subnet. `none`: by a plugin that the user installs. */
export const podNetworkKinds = ['bridge', 'none'] as const;

/** `coredns`: as kubeadm installs it. `none`: by whoever the user puts at the tenth address of the services. */
export const dnsKinds = ['coredns', 'none'] as const;

export interface Networks {
  readonly pods: string;
  readonly cni: (typeof podNetworkKinds)[number];
  readonly services: string;
  readonly dnsDomain: string;
  readonly dns: (typeof dnsKinds)[number];
}

export const programSources = ['auto', 'release', 'build', 'directory'] as const;
export type ProgramSource = (typeof programSources)[number];

export interface ProgramsSpec {
  readonly source: ProgramSource;
  /** For `directory`: absolute path on the operator's computer. */
  readonly directory?: string | undefined;
  /** For `release`: a mirror's base address instead of the official ones. */
  readonly mirror?: string | undefined;
}

export interface HostSpec {
  readonly name: string;
  /** IPv4 address the other hosts use. */
  readonly address: string;
  readonly roles: readonly Role[];
  /** Network interface of the VIP where it cannot be found from the VIP's subnet. */
  readonly interface?: string | undefined;
  /** By which services choose their nodes. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** A host of the control plane is a node too. */
  readonly kubelet?: boolean | undefined;
  readonly ssh: SshSpec;
}

export interface SshSpec {
  /** Where SSH reaches the host; default `address` of the host. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path of a private key on the operator's computer. */
  readonly identity?: string | undefined;
  /** `user@host:port` of a jump host, as for `ssh -J`. */
  readonly jump?: string | undefined;
  /** Pinned public host key, as in `ssh-keyscan`'s second and third column: "ssh-ed25519 AAAA…". */
  readonly hostKey?: string | undefined;
}

/** The hosts that have a role, in the order of the file. */
export function hostsWith(cluster: Cluster, role: Role): readonly HostSpec[] {
  return cluster.hosts.filter((host) => host.roles.includes(role));
}

/** Whether a host runs pods: a worker does, and a host of the control plane that is to. */
export function isNode({ roles, kubelet }: { readonly roles: readonly Role[]; readonly kubelet?: boolean | undefined }): boolean {
  return roles.includes('worker') || kubelet === true;
}

/** The hosts that are nodes of Kubernetes, in the order of the file. */
export function nodeHosts({ hosts }: Pick<Cluster, 'hosts'>): readonly HostSpec[] {
  return hosts.filter(isNode);
}

/** Whether a host is to follow etcd's log into the repository of the backups. */
export function followsLog({ backup }: Pick<Cluster, 'backup'>, { roles }: HostSpec): boolean {
  return backup?.follow === 'hosts' && roles.includes('etcd');
}

/** The VIP of the API, and those that it had before. */
export function endpointVips({ endpoint }: Pick<Cluster, 'endpoint'>): readonly string[] {
  return [endpoint.vip, ...endpoint.previousVips];
}

/** The host and port under which clients on other machines know the API: the first name of the endpoint, or the VIP. */
export function publicEndpoint({ endpoint: { names, vip, port } }: Pick<Cluster, 'endpoint'>): string {
  return `${names[0] ?? vip}:${port}`;
}

/** The n-th address of an IPv4 network, for example (10.96.0.0/12, 1) → 10.96.0.1. */
export function addressInNetwork(cidr: string, offset: number): string {
  const base = cidr.split('/')[0]!.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.');
}
