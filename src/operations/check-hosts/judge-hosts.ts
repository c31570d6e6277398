import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import { judgeAddresses, judgePorts } from './_judge-network.ts';
import { judgeClock, judgeDisk, judgeLimits, judgeSpace } from './_judge-resources.ts';
import { judgeOthers, judgeSystem } from './_judge-system.ts';
import { judgeLinks, judgeRouters, judgeVip } from './_judge-vip.ts';
import type { HostProbe } from './probe.ts';
import { checkResult, type CheckName, type CheckResult, type Finding, type HostsReport, type Judged } from './report.ts';

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

/** Undefined where the host does not need the check. */
type Judge = (subject: Subject) => Judged | undefined;

const judges: readonly (readonly [CheckName, Judge])[] = [
  ['system', judgeSystem],
  ['space', judgeSpace],
  ['disk', judgeDisk],
  ['clock', judgeClock],
  ['limits', judgeLimits],
  ['addresses', judgeAddresses],
  ['ports', judgePorts],
  ['others', judgeOthers],
  ['vip', judgeVip],
  ['vrrp', judgeRouters],
  ['links', judgeLinks],
];

/** Is every host fit for what the cluster file wants of it? Says everything at once. */
export function judgeHosts(all: SeenHosts): HostsReport {
  const checks = all.cluster.hosts.flatMap((spec): CheckResult[] => {
    const seen = all.hosts.get(spec.name);
    if (!seen || 'verdict' in seen) return [checkResult(spec.name, 'ssh', { found: 'no', findings: seen ? [seen] : [] })];
    const subject = { spec, seen, all };
    return [checkResult(spec.name, 'ssh', { found: seen.login }), ...judges.flatMap(([check, judge]) => {
      const judged = judge(subject);
      return judged ? [checkResult(spec.name, check, judged)] : [];
    })];
  });
  return { cluster: all.cluster.name, fit: checks.every(({ verdict }) => verdict !== 'refused'), checks, takenRouterIds: takenRouterIds(all) };
}

/** The probes of all hosts that could be looked at. */
export function probesOf({ hosts }: SeenHosts): Map<string, HostProbe> {
  return new Map([...hosts].flatMap(([name, seen]) => ('verdict' in seen ? [] : [[name, seen.probe] as const])));
}

function takenRouterIds(all: SeenHosts): number[] {
  const own = new Set(all.cluster.hosts.map(({ address }) => address));
  const heard = [...probesOf(all).values()].flatMap(({ vrrp }) => (Array.isArray(vrrp) ? vrrp : []) as readonly { id: number; from: string }[]);
  return [...new Set(heard.filter(({ from }) => !own.has(from)).map(({ id }) => id))].sort((a, b) => a - b);
}
