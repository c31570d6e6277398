import { followsLog, isNode, type Cluster, type HostSpec, type Role } from '../../cluster/cluster.ts';
import { serviceVips } from '../../cluster/service.ts';
import { saysItsLoad, steers } from '../../cluster/steered.ts';
import type { ComponentName } from '../../render/design.ts';
import { keeperUnit, loadAgentUnit, servicesUnit, serviceVipsUnits, steerUnit } from '../../render/paths.ts';
import { reachable, type HostFacts, type Unreachable } from '../facts.ts';
import { goodConditions, type ComponentStatus, type Condition, type Finding, type LeaseStatus } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import { networkAdvice } from './judge-nodes.ts';
import type { Observation } from './observation.ts';
import { shortReason } from './words.ts';

export type ComponentsByHost = ReadonlyMap<string, readonly ComponentStatus[]>;

/** The condition of every part of every host, and the hosts that cannot be reached. */
export function judgeComponents(observation: Observation, leases: readonly LeaseStatus[]): Judged<ComponentsByHost> {
  const { cluster, facts } = observation;
  const status = new Map<string, ComponentStatus[]>();
  const findings: Finding[] = [];
  for (const host of cluster.hosts) {
    const found = facts.hosts.get(host.name);
    const parts = partsOf(cluster, host);
    if (!reachable(found)) {
      status.set(host.name, parts.map((name) => ({ name, condition: 'unknown' })));
      findings.push({ message: `${host.name} cannot be reached: ${shortReason(found?.reason ?? '')}`, next: `Bring ${host.name} back or check SSH to it; once it answers, kubekeep apply mends what it missed.` });
      continue;
    }
    const conditions = parts.map((name) => ({ name, condition: conditionOf(name, host, found, observation, leases) }));
    status.set(host.name, conditions);
    findings.push(...conditions.flatMap((part) => findingOf(host.name, part, observation)));
  }
  return { status, findings };
}

export function isGood({ condition }: ComponentStatus): boolean {
  return goodConditions.includes(condition);
}

const partsByRole: readonly (readonly [Role, readonly ComponentName[]])[] = [
  ['etcd', ['etcd']],
  ['control-plane', ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']],
  ['load-balancer', ['haproxy', 'keepalived']],
];

function partsOf(cluster: Cluster, host: HostSpec): ComponentName[] {
  return [
    ...partsByRole.flatMap(([role, parts]) => (host.roles.includes(role) ? parts : [])),
    ...(isNode(host) ? (['containerd', 'kubelet', 'kube-proxy'] as const) : []),
    ...serviceParts(cluster, host),
    ...(followsLog(cluster, host) ? (['keeper'] as const) : []),
  ];
}

function serviceParts(cluster: Cluster, host: HostSpec): ComponentName[] {
  return [
    ...(host.roles.includes('load-balancer') && cluster.services.length > 0 ? (['services'] as const) : []),
    ...(host.roles.includes('load-balancer') && serviceVips(cluster).length > 0 ? (['service-vips'] as const) : []),
    ...(steers(cluster, host) ? (['steer'] as const) : []),
    ...(saysItsLoad(cluster, host) ? (['load-agent'] as const) : []),
  ];
}

function conditionOf(name: ComponentName, host: HostSpec, found: HostFacts, observation: Observation, leases: readonly LeaseStatus[]): Condition {
  const stopped = unitsOf[name].map((unit) => unitCondition(found, unit)).find((condition) => condition !== undefined);
  if (stopped) return stopped;
  switch (name) {
    case 'etcd':
      return etcdCondition(host, found, observation);
    case 'kube-apiserver':
      return found.apiServer.ready ? 'serves' : found.apiServer.live ? 'not ready' : 'no answer';
    case 'kube-controller-manager':
    case 'kube-scheduler': {
      const lease = leases.find((one) => one.name === name);
      if (!lease || lease.renewedAgo === undefined) return 'works';
      return lease.holder === host.name && !lease.expired ? 'leads' : 'stands by';
    }
    case 'haproxy':
      if (found.backends.length === 0) return 'no answer';
      return found.backends.some(({ backend, status }) => backend === 'api' && status.startsWith('UP')) ? 'serves' : 'no servers';
    case 'keepalived':
      return hasAddress(found, observation.cluster.endpoint.vip) ? 'holds VIP' : 'stands by';
    case 'services':
      return (found.serviceServers ?? []).length === 0 ? 'no answer' : 'works';
    case 'service-vips':
      return serviceVips(observation.cluster).some((vip) => hasAddress(found, vip)) ? 'holds VIP' : 'stands by';
    case 'keeper':
      return followerCondition(found);
    case 'kubelet':
      return observation.nodes === undefined || observation.nodes.nodes.get(host.name)?.ready ? 'works' : 'not ready';
    case 'containerd':
    case 'kube-proxy':
    case 'pod-network':
    case 'steer':
    case 'load-agent':
    case 'system':
      return 'works';
  }
}

const unitsOf: Readonly<Record<ComponentName, readonly string[]>> = {
  'system': [],
  'etcd': ['etcd.service'],
  'kube-apiserver': ['kube-apiserver.service'],
  'kube-controller-manager': ['kube-controller-manager.service'],
  'kube-scheduler': ['kube-scheduler.service'],
  'haproxy': ['kubekeep-haproxy.service'],
  'keepalived': ['kubekeep-keepalived.service', 'kubekeep-lb-alive.service', 'kubekeep-vip-guard.service'],
  'steer': [steerUnit],
  'keeper': [keeperUnit],
  'load-agent': [loadAgentUnit],
  'containerd': ['containerd.service'],
  'kubelet': ['kubelet.service'],
  'kube-proxy': ['kube-proxy.service'],
  'pod-network': ['kubekeep-pod-network.service'],
  'services': [servicesUnit],
  'service-vips': serviceVipsUnits,
};

/** Undefined while the unit is up. */
function unitCondition({ units }: HostFacts, unit: string): Condition | undefined {
  const found = units.get(unit);
  if (!found || found.load === 'not-found') return 'missing';
  if (found.active === 'active' || found.active === 'reloading') return undefined;
  // systemd waits between two starts of a unit that keeps failing.
  if (found.sub === 'auto-restart') return 'failed';
  return found.active === 'activating' ? 'starting' : found.active === 'failed' ? 'failed' : 'stopped';
}

function etcdCondition({ name }: HostSpec, { etcd }: HostFacts, { etcd: answers }: Observation): Condition {
  const answer = answers.get(name);
  if (!answer?.ok) return etcd.ready ? 'works' : 'no answer';
  const { isLearner, leader, member } = answer.value.status;
  if (isLearner) return 'catches up';
  if (leader === undefined || !etcd.ready) return 'not ready';
  return leader === member ? 'leads' : 'follows';
}

/** ms for which a follower may say nothing, and for which the log may stand still: an idle cluster renews its leases. */
const followerLimits = { silent: 40_000, behind: 60_000 };

function followerCondition({ follower, clock }: HostFacts): Condition {
  if (!follower) return 'starting';
  if (clock - follower.looked > followerLimits.silent) return 'no answer';
  if (!follower.newest || clock - follower.newest.time > followerLimits.behind) return 'not ready';
  return follower.leads ? 'leads' : 'stands by';
}

function hasAddress({ addresses }: HostFacts, vip: string): boolean {
  return addresses.some(({ address }) => address === vip);
}

function findingOf(host: string, part: ComponentStatus, observation: Observation): Finding[] {
  // A learner is spoken of with the members.
  if (isGood(part) || part.condition === 'catches up') return [];
  const { name, condition } = part;
  const unit = unitsOf[name][0]!.replace('.service', '');
  const look = `Look at journalctl -u ${unit} on ${host}`;
  const sentences: Partial<Record<Condition, Finding>> = {
    'stopped': { message: `${name} on ${host} is stopped`, next: 'kubekeep apply starts it.' },
    'failed': { message: `${name} on ${host} has failed`, next: `${look}; kubekeep apply starts it again.` },
    'missing': { message: `${name} on ${host} is not installed`, next: name === 'keeper' ? 'kubekeep backup init, where there is no repository yet; then kubekeep apply installs it.' : 'kubekeep apply installs it.' },
    'starting': { message: `${name} on ${host} is starting`, next: `Ask again in a moment; if it goes on, look at journalctl -u ${unit} on ${host}.` },
    'no servers': { message: `HAProxy on ${host} has no API server to use`, next: 'The table of balancers says how it sees each of them.' },
  };
  const why = whyOf(part, host, observation);
  const next = (name === 'kubelet' ? networkAdvice(observation.cluster, why, { managed: true }) : undefined) ?? (/certificate/.test(why) ? 'kubekeep apply issues a new one.' : `${look}.`);
  return [sentences[condition] ?? { message: `${name} on ${host} ${condition === 'not ready' ? 'is not ready' : 'does not answer'}${why}`, next }];
}

function behindOf(found: HostFacts | Unreachable | undefined): string {
  const newest = reachable(found) ? found.follower?.newest : undefined;
  return newest ? `the log ends ${Math.round(((found as HostFacts).clock - newest.time) / 1000)} s ago` : 'there is no base yet';
}

function whyOf({ name, condition }: ComponentStatus, host: string, { etcd, api, facts, nodes }: Observation): string {
  if (name === 'keeper') return condition === 'not ready' ? `: ${behindOf(facts.hosts.get(host))}` : '';
  if (name === 'kubelet') return `: ${nodes?.nodes.get(host)?.reason ?? 'the cluster has no node of that name'}`;
  const answer = name === 'etcd' ? etcd.get(host) : name === 'kube-apiserver' ? api.get(host) : undefined;
  if (answer && !answer.ok) {
    const reason = answer.reason.replace(/^(etcd on|API server) \S+: ([A-Z]+ )?\S+: /, '');
    return reason.startsWith('no answer') ? '' : `: ${reason}`;
  }
  const failed = name === 'kube-apiserver' && condition === 'not ready' ? api.get(host) : undefined;
  return failed?.ok && failed.value.failedChecks.length > 0 ? `: ${failed.value.failedChecks.join(', ')} failed` : '';
}
