import type { Cluster } from '../../cluster/cluster.ts';
import type { Lab } from '../../lab/lab.ts';
import type { Allowance } from '../history/verdict.ts';
import type { Stage } from '../stage.ts';

export const faultComponents = ['etcd', 'API server', 'HAProxy', 'keepalived', 'host', 'network', 'operator', 'node'] as const;
export type FaultComponent = (typeof faultComponents)[number];

/** One way in which a cluster breaks, or one piece of planned work that hardly anybody may feel. */
export interface Fault {
  /** Short and fixed, for example "N1": it names the fault in commands, histories and reports. */
  readonly id: string;
  readonly title: string;
  readonly component: FaultComponent;
  /** What it asks of the machines, for a person who wonders whether it can be done. */
  readonly needs: string;
  /** How long it stays in, before it is undone. */
  readonly seconds: number;
  /** Planned work: hardly anybody feels it. Requests may fail or be late for 5 s at most unless a limit is given. */
  readonly planned?: boolean;
  /** Cannot overlap with another fault: what it shows needs a cluster that is whole otherwise. Planned work is so anyway. */
  readonly alone?: boolean;
  /** Longest gap between acknowledged writes, in seconds: median and maximum of many runs. */
  readonly target?: { readonly new: readonly [number, number]; readonly reused: readonly [number, number] };
  /** Longest time in seconds that any run of it may cost a lane through the VIP; five times the target's maximum unless given or planned, since processors are shared. */
  readonly limit?: Allowance['limit'];
  /** No request to a service may fail, however long it takes. */
  readonly noVisitFails?: boolean;
  /** It touches nothing that the VIP needs: the VIP stays where it is. */
  readonly vipStays?: boolean;
  /** Seconds for which two balancers may have the VIP, since it keeps them from hearing each other or one of them from being told the truth; 0 unless given. */
  readonly bothHold?: number;
  /** Why it is for labs alone; continues the sentence "N1 …". Undefined where a permit can allow it elsewhere: what undoes it is a script on each host. */
  readonly labOnly?: string;
  /** Why it cannot be done on this cluster, whose hosts are the machines of a lab where one is given; undefined where it can. */
  obstacle(cluster: Cluster, lab?: Pick<Lab, 'diskSize'>): string | undefined;
  /** Looks and chooses. Touches nothing, except that a leader or VIP may be asked to move where the fault is about who has both. */
  aim(stage: Stage): Promise<Aim>;
}

/** A fault with its victims chosen. */
export interface Aim {
  /** "cp2, which holds the VIP and leads etcd". */
  readonly about: string;
  /** Hosts that are touched. */
  readonly hosts: readonly string[];
  /** Those of them that have no power while the fault is in: nothing can be seen there. */
  readonly dark?: readonly string[];
  /** A shell script for each host that undoes the fault there: armed before the fault, for the case that kubekeep is killed. Outside a lab every host needs one. */
  readonly deadMan?: ReadonlyMap<string, string>;
  /** The undo is an `apply`, which needs the rest of the cluster: of two faults it is undone last. */
  readonly undoneLast?: boolean;
  inject(): Promise<void>;
  /** Works also where the fault has ended by itself, or never was. */
  undo(): Promise<void>;
}
