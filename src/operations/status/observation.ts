import type { EtcdMember } from '../../clients/etcd/connect-etcd.ts';
import type { EtcdStatus } from '../../clients/etcd/etcd-status.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { ClusterFacts, DnsFact, ManifestFact, NodesFact, ServicesFact } from '../facts.ts';
import type { LeaseStatus } from './cluster-status.ts';

/** Everything that `status` looked at, before anything is said about it. */
export interface Observation {
  readonly cluster: Cluster;
  readonly facts: ClusterFacts;
  /** By host name. */
  readonly etcd: ReadonlyMap<string, Answer<EtcdAnswer>>;
  readonly api: ReadonlyMap<string, Answer<ApiAnswer>>;
  /** The API through the VIP, asked from each host. */
  readonly endpoint: ReadonlyMap<string, Answer<EndpointProbe>>;
  /** As an API server knows them; undefined without workers, or where none could be asked. */
  readonly nodes?: NodesFact | undefined;
  /** DNS for pods, from the same. */
  readonly dns?: DnsFact | undefined;
  readonly manifests?: readonly ManifestFact[] | undefined;
  /** What services lead to, from the same. */
  readonly services?: ServicesFact | undefined;
  /** What of these could not be read, and why, in sentences. */
  readonly unread?: readonly string[] | undefined;
  /** Steps that a plan from the same facts has, or why there is none. */
  readonly drift: Answer<readonly DriftStep[]>;
}

/** What a part answered, or why there is no answer. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export interface EtcdAnswer {
  readonly status: EtcdStatus;
  /** As this member knows them. */
  readonly members: readonly EtcdMember[];
}

export interface ApiAnswer {
  readonly version: string;
  /** Checks of /readyz that fail. */
  readonly failedChecks: readonly string[];
  readonly leases: readonly Lease[];
}

export interface Lease {
  readonly name: LeaseStatus['name'];
  /** The holder's identity: host name, underscore, a random part. */
  readonly holder: string;
  /** Milliseconds since the epoch. */
  readonly renewedAt: number;
  readonly durationSeconds: number;
}

export interface EndpointProbe {
  readonly ready: boolean;
  readonly milliseconds: number;
}

export interface DriftStep {
  readonly host: string;
  readonly component: string;
  readonly reasons: readonly string[];
}
