import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { reachable, type ClusterFacts, type HostFacts } from '../../operations/facts.ts';
import type { Fault, FaultComponent } from '../faults/fault.ts';

/**
 * Why a cluster that people use cannot spare what a fault takes, as a sentence; undefined where it can. Whatever the fault, etcd has to have a member more
 * than its majority: something else may fail at the same time.
 */
export function marginReason(cluster: Cluster, facts: ClusterFacts, { component }: Pick<Fault, 'component'>): string | undefined {
  const members = hostsWith(cluster, 'etcd').length;
  const majority = Math.floor(members / 2) + 1;
  const ready = countReady(cluster, facts, 'etcd');
  if (ready <= majority) return `etcd has no margin: ${ready} of ${members} members ${ready === 1 ? 'is' : 'are'} ready, and ${majority} are needed`;
  const scarce = alsoTaken[component].find((role) => countReady(cluster, facts, role) < 2);
  if (scarce === undefined) return undefined;
  const count = countReady(cluster, facts, scarce);
  return `${count === 0 ? 'no' : 'only one'} ${words[scarce]} is ready, and the fault may take it`;
}

type Role = keyof typeof isReady;

/** Beside etcd. A network fault is about etcd's members or a balancer. */
const alsoTaken: Readonly<Record<FaultComponent, readonly Exclude<Role, 'etcd'>[]>> = {
  'etcd': ['control-plane'],
  'API server': ['control-plane'],
  'HAProxy': ['load-balancer'],
  'keepalived': ['load-balancer'],
  'host': ['control-plane', 'load-balancer'],
  'operator': ['control-plane'],
  'network': ['control-plane', 'load-balancer'],
  'node': [],
};

const words = { 'control-plane': 'API server', 'load-balancer': 'balancer' } as const;

const isReady = {
  'etcd': ({ etcd }: HostFacts) => etcd.ready,
  'control-plane': ({ apiServer }: HostFacts) => apiServer.ready,
  'load-balancer': ({ backends, units }: HostFacts) => units.get('kubekeep-keepalived.service')?.active === 'active' && backends.some(({ backend, serves }) => backend === 'api' && serves),
} as const;

function countReady(cluster: Cluster, { hosts }: ClusterFacts, role: Role): number {
  return hostsWith(cluster, role).filter(({ name }) => {
    const found = hosts.get(name);
    return reachable(found) && isReady[role](found);
  }).length;
}
