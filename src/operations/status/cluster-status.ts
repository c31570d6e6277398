import type { Role } from '../../cluster/cluster.ts';
import type { ComponentName } from '../../render/design.ts';

/** What a part does at this moment, in words. The place in the list is the number in metrics: entries are added at the end and never taken out. */
export const conditions = [
  'works',
  'leads',
  'follows',
  'catches up',
  'stands by',
  'serves',
  'holds VIP',
  'starting',
  'not ready',
  'no answer',
  'no servers',
  'stopped',
  'failed',
  'missing',
  'unknown',
] as const;
export type Condition = (typeof conditions)[number];

/** Parts that are as they should be. */
export const goodConditions: readonly Condition[] = ['works', 'leads', 'follows', 'stands by', 'serves', 'holds VIP'];

/** How a balancer treats an API server. */
export const treatments = ['serves', 'drains', 'dead', 'unknown'] as const;
export type Treatment = (typeof treatments)[number];

/** What is true of a cluster at one moment, and what of it is not as it should be. */
export interface ClusterStatus {
  readonly cluster: string;
  /** RFC 3339, UTC. */
  readonly observedAt: string;
  /** Nothing is in `degraded`. */
  readonly healthy: boolean;
  /** The most urgent first. */
  readonly degraded: readonly Finding[];
  /** What is worth knowing and no fault. */
  readonly notes: readonly string[];
  readonly endpoint: EndpointStatus;
  /** In the order of the cluster file. */
  readonly hosts: readonly HostStatus[];
  readonly etcd: EtcdClusterStatus;
  readonly balancers: readonly BalancerStatus[];
  readonly services: readonly ServiceStatus[];
  readonly leases: readonly LeaseStatus[];
  readonly versions: VersionStatus;
  readonly drift: DriftStatus;
}

export interface Finding {
  /** A sentence without its full stop. */
  readonly message: string;
  /** What to do about it, a sentence that names the command. */
  readonly next: string;
}

export interface EndpointStatus {
  readonly address: string;
  readonly port: number;
  readonly names: readonly string[];
  /** Hosts that have the VIP now: one, where all is well. */
  readonly holders: readonly string[];
  /** Whether the API answered through the VIP, asked from each host that can be reached. */
  readonly answers: readonly EndpointAnswer[];
}

export interface EndpointAnswer {
  readonly from: string;
  readonly ready: boolean;
  /** From the question to the whole answer. */
  readonly milliseconds: number | undefined;
  readonly reason: string | undefined;
}

export interface HostStatus {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly Role[];
  readonly reachable: boolean;
  /** Why it cannot be reached. */
  readonly reason: string | undefined;
  readonly components: readonly ComponentStatus[];
  /** The certificate that expires first; none where no certificate was seen. */
  readonly certificate: CertificateStatus | undefined;
}

export interface ComponentStatus {
  readonly name: ComponentName;
  readonly condition: Condition;
}

export interface CertificateStatus {
  readonly path: string;
  /** RFC 3339, UTC. */
  readonly expires: string;
  /** Whole days; negative once it has expired. */
  readonly daysLeft: number;
}

export interface EtcdClusterStatus {
  /** Host name of the leader. */
  readonly leader: string | undefined;
  readonly term: number | undefined;
  /** Members with a vote, how many of them answer, and how many make a majority. */
  readonly voters: number;
  readonly answering: number;
  readonly majority: number;
  readonly members: readonly MemberStatus[];
}

export interface MemberStatus {
  /** Host name, or the peer address of a member that no host of the cluster file has. */
  readonly name: string;
  /** Hex; none for a host that is no member. */
  readonly id: string | undefined;
  /** `ready`: it answers reads on its host, and did not answer us in time. */
  readonly role: 'leader' | 'follower' | 'learner' | 'ready' | 'no answer' | 'not a member';
  /** What the member itself says; none where it does not answer. */
  readonly said: MemberReport | undefined;
}

export interface MemberReport {
  readonly revision: number;
  readonly term: number;
  /** Raft entries that this member has not applied yet and another one has. */
  readonly lag: number;
  /** Bytes: of the file, of what is in use, of the limit. */
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  readonly dbSizeQuota: number;
  readonly version: string;
  /** Alarms in words. */
  readonly alarms: readonly string[];
}

export interface BalancerStatus {
  readonly host: string;
  readonly servers: readonly BackendStatus[];
}

export interface BackendStatus {
  readonly server: string;
  readonly treatment: Treatment;
  /** HAProxy's own words for the two checks: whether the server lives, whether it is ready. */
  readonly live: string;
  readonly ready: string;
  readonly sessions: number;
}

/** A service behind the balancers. */
export interface ServiceStatus {
  readonly name: string;
  readonly vip: string;
  readonly port: number;
  /** Hosts that have its VIP now: one, where all is well. */
  readonly holders: readonly string[];
  /** The Service of Kubernetes, NAMESPACE/NAME, where it is known, else what the cluster file says. */
  readonly leadsTo: string;
  /** How many nodes it has, and how many of them each balancer that answers uses. */
  readonly nodes: number;
  readonly up: readonly { readonly host: string; readonly nodes: number }[];
}

export interface LeaseStatus {
  readonly name: 'kube-controller-manager' | 'kube-scheduler';
  /** Host name; none where nobody holds it or nobody could be asked. */
  readonly holder: string | undefined;
  /** Seconds since the holder renewed it. */
  readonly renewedAgo: number | undefined;
  /** Not renewed in time: nobody does the work. */
  readonly expired: boolean;
}

export interface VersionStatus {
  readonly kubernetes: string;
  readonly etcd: string;
  /** Programs that run another version than the cluster file names. */
  readonly others: readonly { readonly host: string; readonly component: ComponentName; readonly version: string }[];
}

export interface DriftStatus {
  /** Steps that `apply` would take; none where it could not be told. */
  readonly changes: number | undefined;
  /** The first reasons. */
  readonly reasons: readonly string[];
}
