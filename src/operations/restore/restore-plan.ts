import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import type { Floor } from './choose-floor.ts';
import type { RestoreRecord } from './restore-record.ts';
import type { StateChanges } from './state-changes.ts';

export const restorePhaseNames = ['prepare', 'close', 'stop', 'data', 'etcd', 'check', 'first', 'open', 'balance', 'control', 'finish'] as const;
export type RestorePhaseName = (typeof restorePhaseNames)[number];

/** What a restore of the whole cluster does, in its order. Data only. */
export interface RestorePlan {
  readonly cluster: string;
  readonly record: RestoreRecord;
  /** It was begun before and goes on. */
  readonly continues: boolean;
  /** The highest revision that was seen, and where. */
  readonly highest: Floor['highest'];
  readonly phases: readonly RestorePhase[];
  /** What changes for those who live in the cluster; none where it is not known, for the reason in `unseen`. */
  readonly changes: StateChanges | undefined;
  readonly unseen: string | undefined;
  readonly warnings: readonly string[];
}

export interface RestorePhase {
  readonly name: RestorePhaseName;
  /** What it is for, a sentence without its full stop. */
  readonly title: string;
  /** Within a phase all hosts work together. */
  readonly steps: readonly RestoreStep[];
}

export interface RestoreStep {
  /** `HOST/restore-PHASE`. */
  readonly id: string;
  readonly host: string;
  readonly title: string;
}

const titles: Readonly<Record<RestorePhaseName, string>> = {
  prepare: 'copy programs, packages and system files where they are missing; make the restored data beside the data of now',
  close: 'stop balancers, controllers, scheduler and API servers',
  stop: 'stop etcd',
  data: 'keep the old data of etcd aside, put the restored data in its place',
  etcd: 'start the restored members together',
  check: 'compare the members, disarm alarms, remove the leases of API servers and leaders, note the new timeline',
  first: 'start one API server that no balancer leads to, and correct what names the endpoint',
  open: 'start the other API servers',
  balance: 'start the balancers: clients come back',
  control: 'start scheduler and controllers',
  finish: 'ask every part, and note that the restore is finished',
};

/** Of a roll-back, whose data is made only when etcd has stopped. */
const titlesOfKept: Partial<typeof titles> = {
  prepare: 'copy programs, packages and system files where they are missing',
  data: 'read the data that was kept, and put it back restored',
};

/** The phases that are left. `untouched`: nothing was replaced yet, so a roll-back only opens again what was closed. */
export function restorePhases(cluster: Cluster, { answering, opened, untouched, fromKept }: { readonly answering: readonly HostSpec[]; readonly opened: boolean; readonly untouched: boolean; readonly fromKept: boolean }): RestorePhase[] {
  const here = (role: 'etcd' | 'control-plane' | 'load-balancer') => hostsWith(cluster, role).filter((host) => answering.includes(host));
  const [etcd, servers, balancers] = [here('etcd'), here('control-plane'), here('load-balancer')];
  const first = servers.slice(0, 1);
  const hosts: Readonly<Record<RestorePhaseName, readonly HostSpec[]>> = {
    prepare: answering, close: answering, stop: etcd, data: etcd, etcd, check: etcd.slice(0, 1), first, open: servers.slice(1), balance: balancers, control: servers, finish: first,
  };
  const left = opened ? restorePhaseNames.slice(restorePhaseNames.indexOf('first')) : restorePhaseNames;
  return left
    .filter((name) => !(untouched && (name === 'data' || name === 'check')))
    .map((name) => ({ name, title: (fromKept ? titlesOfKept[name] : undefined) ?? titles[name], steps: hosts[name].map((host) => ({ id: `${host.name}/restore-${name}`, host: host.name, title: `restore: ${titles[name]}` })) }))
    .filter(({ steps }) => steps.length > 0);
}
