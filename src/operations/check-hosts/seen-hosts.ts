import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import type { Operation } from '../operation.ts';
import type { HostProbe } from './probe.ts';
import type { Finding } from './report.ts';

/** What of an operation a check needs. */
export type HostsToCheck = Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal' | 'progress'>;

/** Everything that was seen on all hosts. */
export interface SeenHosts {
  readonly cluster: Cluster;
  /** By name; a finding where the host could not be looked at. */
  readonly hosts: ReadonlyMap<string, SeenHost | Finding>;
  /** Larger times for a slow disk were chosen. */
  readonly slowDisk: boolean;
  /** Without the parts that take more than a moment or disturb. */
  readonly quick: boolean;
}

export interface SeenHost {
  readonly probe: HostProbe;
  /** How it is logged in to, in words. */
  readonly login: string;
  readonly clock: ClockOffset;
  /** Connections to other hosts; undefined where none was tried. */
  readonly links: readonly TriedLink[] | undefined;
  /** How it went while this host carried the VIP; undefined where it did not. */
  readonly carried: CarriedVip | undefined;
}

/** Milliseconds. */
export interface ClockOffset {
  /** Of the host's clock before the operator's. */
  readonly offset: number;
  /** It may be wrong by this. */
  readonly uncertainty: number;
}

export interface TriedLink {
  readonly to: string;
  /** "etcd", "VRRP", … */
  readonly what: string;
  readonly port: number | 'vrrp';
  /** `open`, or what the system said. */
  readonly answer: string;
  /** Milliseconds until a connection was there, of a few tries the least; undefined where none was, or for VRRP. */
  readonly roundTrip?: number;
}

export interface CarriedVip {
  /** Why it could not. */
  readonly failed?: string | undefined;
  readonly callers: readonly { readonly host: string; readonly answer: string }[];
}

/** Of one host among all. */
export interface Subject {
  readonly spec: HostSpec;
  readonly seen: SeenHost;
  readonly all: SeenHosts;
}

/** The probes of all hosts that could be looked at. */
export function probesOf({ hosts }: SeenHosts): Map<string, HostProbe> {
  return new Map([...hosts].flatMap(([name, seen]) => ('verdict' in seen ? [] : [[name, seen.probe] as const])));
}
