import { endpointVips, hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { publicAuthorities, type ClusterSecrets } from '../../pki/secrets.ts';
import type { ComponentDesign, ComponentName } from '../../render/design.ts';
import { reachable, type ClusterFacts, type HostFacts } from '../facts.ts';
import { followerRemains, followerWarnings } from './follower-remains.ts';
import { dnsSteps, dnsWarnings } from './plan-dns.ts';
import { hostsRestoring } from './hosts-restoring.ts';
import { isFromBefore } from './is-from-before.ts';
import { judgeComponent, type ComponentChange } from './judge-component.ts';
import { balancerRemovals } from './lost-roles.ts';
import { membersTogether } from './members-together.ts';
import { serviceSteps } from './plan-services.ts';
import { steeringPhase, steeringWarnings } from './plan-steering.ts';
import { joinPhases, leaveSteps, nodeSteps } from './plan-workers.ts';
import { preparationReasons } from './preparation.ts';
import { serviceProblems } from './service-problems.ts';
import { stepsFor, type PhasePlan, type SeenHost, type Step } from './step.ts';
import { wasFormed } from './was-formed.ts';

/** The ordered way from facts to spec. Data only: it prints, it is compared, it is tested; `apply` performs it. */
export interface Plan {
  readonly cluster: string;
  /** `build`: nothing serves yet, so hosts are brought up together. `change`: something may be serving, so one host at a time. */
  readonly mode: 'build' | 'change';
  readonly phases: readonly PhasePlan[];
  /** What the plan cannot do anything about, in sentences. */
  readonly warnings: readonly string[];
}

export interface PlanInput {
  readonly cluster: Cluster;
  readonly facts: ClusterFacts;
  readonly secrets: ClusterSecrets;
  /** What each reachable host should have. */
  readonly designs: ReadonlyMap<string, readonly ComponentDesign[]>;
}

const controlPlane: readonly ComponentName[] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const balancer: readonly ComponentName[] = ['haproxy', 'keepalived'];

/** Makes the plan. Pure: the same facts, spec and secrets give the same plan. */
export function makePlan(input: PlanInput): Plan {
  const { cluster, facts } = input;
  const seen = cluster.hosts.flatMap((host): SeenHost[] => {
    const found = facts.hosts.get(host.name);
    return reachable(found) ? [{ host, found, changes: changesOf(host, found, input) }] : [];
  });
  const mode = wasFormed(facts) ? 'change' : 'build';
  const phases = [
    { name: 'prepare' as const, order: 'all hosts together' as const, steps: seen.flatMap((one) => prepareSteps(cluster, one)) },
    ...(mode === 'build' ? buildPhases(cluster, seen) : changePhases(cluster, seen, facts.observedAt)),
    steeringPhase(cluster, seen, input.designs, mode),
    backupPhase(input, seen, mode),
    { name: 'workers' as const, order: 'one host at a time' as const, steps: nodeSteps(seen, facts.nodes) },
    { name: 'leave' as const, order: 'one host at a time' as const, steps: leaveSteps(seen, facts.nodes) },
    ...joinPhases(cluster, seen, facts.nodes),
    { name: 'dns' as const, order: 'one host at a time' as const, steps: dnsSteps(cluster, seen, facts) },
    { name: 'services' as const, order: 'one host at a time' as const, steps: serviceSteps(cluster, seen, mode) },
  ].filter(({ steps }) => steps.length > 0);
  const finish = finishSteps(cluster, seen, phases.length > 0);
  return {
    cluster: cluster.name,
    mode,
    phases: finish.length > 0 ? [...phases, { name: 'finish', order: 'one host at a time', steps: finish }] : phases,
    warnings: [...warningsOf(cluster, facts), ...(facts.unread ?? []), ...followerWarnings(cluster, facts, input.designs), ...steeringWarnings(cluster, facts, input.designs), ...dnsWarnings(cluster, facts), ...serviceProblems(cluster, facts.services).map(({ message }) => message)],
  };
}

/** Whether there is nothing to do. */
export function isEmpty({ phases }: Plan): boolean {
  return phases.length === 0;
}

/** All steps of a plan in their order. */
export function stepsOf({ phases }: Plan): Step[] {
  return phases.flatMap(({ steps }) => steps);
}

/** A new cluster: every member together, then their quorum, then everything that needs it. */
function buildPhases(cluster: Cluster, seen: readonly SeenHost[]): PhasePlan[] {
  const together = 'all hosts together';
  return [
    { name: 'etcd', order: together, steps: stepsFor(seen, ['etcd'], 'build') },
    { name: 'quorum', order: 'one host at a time', steps: [formStep(cluster)] },
    { name: 'control-plane', order: together, steps: stepsFor(seen, controlPlane, 'build') },
    { name: 'load-balancer', order: together, steps: stepsFor(seen, balancer, 'build') },
  ];
}

/** A cluster that may serve. What members of etcd have to do together comes first. Then one host after the other, those first on which something is down: what is up is disturbed only when everything else is up too. */
function changePhases(cluster: Cluster, seen: readonly SeenHost[], now: number): PhasePlan[] {
  const etcd = stepsFor(seen, ['etcd'], 'change');
  const all = seen.map(({ found }) => found);
  const together = membersTogether(cluster, seen, etcd, now);
  const rolled = seen.flatMap(({ host, found, changes }) => {
    const mine = [...etcd.filter((step) => step.host === host.name && !together.some(({ id }) => id === step.id)), ...stepsFor([{ host, found, changes }], controlPlane, 'change')];
    if (!host.roles.includes('etcd')) return mine;
    if (isFromBefore(found, all)) return [joinStep(host, found, mine.find(({ component }) => component === 'etcd'), 'its data is of before the restore of the cluster'), ...mine.filter(({ component }) => component !== 'etcd')];
    if (!(isOutside(found) || endsAgain(host, found, seen))) return mine;
    if (isOutside(found) && found.etcd.hasData) return [joinStep(host, found), ...mine];
    return [joinStep(host, found, mine.find(({ component }) => component === 'etcd')), ...mine.filter(({ component }) => component !== 'etcd')];
  });
  return [
    { name: 'etcd', order: 'all hosts together', steps: together },
    { name: 'control-plane', order: 'one host at a time', steps: repairsFirst(rolled) },
    { name: 'load-balancer', order: 'one host at a time', steps: [...balancerRemovals(seen), ...repairsFirst(holderLast(cluster, seen, stepsFor(seen, balancer, 'change')))] },
  ];
}

/** After all that serves; one after the other where some run: the log goes on meanwhile. */
function backupPhase({ cluster, designs }: PlanInput, seen: readonly SeenHost[], mode: Plan['mode']): PhasePlan {
  const steps = seen.flatMap((one): Step[] => {
    const { unwanted, reasons } = followerRemains(cluster, one, designs.get(one.host.name) ?? []);
    const [step] = stepsFor([one], ['keeper'], mode);
    if (step) return [{ ...step, reasons: [...step.reasons, ...reasons] }];
    if (reasons.length === 0) return [];
    const shared = { id: `${one.host.name}/keeper`, host: one.host.name, component: 'keeper' as const, reasons, write: [], programs: [] };
    return [unwanted ? { ...shared, title: 'keeper: remove', action: 'remove', effect: 'this host does not write the log any more' } : { ...shared, title: 'keeper: remove what is not used', action: 'none', effect: 'nothing restarts' }];
  });
  return { name: 'backup', order: steps.every(({ action }) => action === 'start') ? 'all hosts together' : 'one host at a time', steps };
}

/** Without data, or started as a learner by a run that was cut before it noted that the member votes. */
function isOutside({ etcd }: HostFacts): boolean {
  return !etcd.hasData || (!etcd.formed && !etcd.ready);
}

/** As one that was removed from the cluster does; it takes another member to ask. */
function endsAgain(host: HostSpec, { etcd, units }: HostFacts, seen: readonly SeenHost[]): boolean {
  return !etcd.ready && units.get('etcd.service')?.sub === 'auto-restart' && seen.some((other) => other.host !== host && other.found.etcd.ready);
}

function changesOf(host: HostSpec, found: HostFacts, { designs, secrets, facts }: PlanInput): ComponentChange[] {
  const context = { facts: found, authorities: publicAuthorities(secrets), now: facts.observedAt };
  return (designs.get(host.name) ?? []).map((design) => judgeComponent(design, context)).filter((change) => change !== undefined);
}

function prepareSteps(cluster: Cluster, { host, found, changes }: SeenHost): Step[] {
  const system = changes.find(({ component }) => component === 'system');
  const programs = [...new Set(changes.flatMap((change) => change.programs))];
  const reasons = [...preparationReasons(cluster, host, found), ...(system?.reasons ?? []), ...(programs.length > 0 ? [`${programs.join(', ')} to be copied`] : [])];
  if (reasons.length === 0) return [];
  return [{ id: `${host.name}/system`, host: host.name, component: 'system', title: 'prepare the host', reasons, action: 'none', write: system?.write ?? [], programs, effect: 'nothing restarts' }];
}

function joinStep(host: HostSpec, { etcd }: HostFacts, change?: Step, why = etcd.hasData ? `${host.name} is not known to be a voting member` : `${host.name} has no etcd data`): Step {
  return {
    id: `${host.name}/etcd-join`,
    host: host.name,
    component: 'etcd',
    title: 'etcd: join the cluster as a learner, then as a voter',
    reasons: [why, ...(change?.reasons ?? [])],
    action: 'join',
    write: change?.write ?? [],
    programs: [],
    effect: 'nothing that serves is touched',
  };
}

/** Hosts on which something is down, then the others; the order within a host stays. */
function repairsFirst(steps: readonly Step[]): Step[] {
  const broken = new Set(steps.filter(({ action }) => action === 'start' || action === 'join').map(({ host }) => host));
  return [...steps.filter(({ host }) => broken.has(host)), ...steps.filter(({ host }) => !broken.has(host))];
}

/** The balancer that holds the VIP changes last: by then the others are known to be good. */
function holderLast(cluster: Cluster, seen: readonly SeenHost[], steps: readonly Step[]): Step[] {
  const vips = endpointVips(cluster);
  const holders = seen.filter(({ found }) => found.addresses.some(({ address }) => vips.includes(address))).map(({ host }) => host.name);
  return [...steps.filter(({ host }) => !holders.includes(host)), ...steps.filter(({ host }) => holders.includes(host))];
}

function formStep(cluster: Cluster): Step {
  return {
    id: 'cluster/quorum',
    host: hostsWith(cluster, 'etcd')[0]!.name,
    component: 'cluster',
    title: 'etcd: wait for the quorum of the new cluster and note it',
    reasons: ['etcd has not had a quorum yet'],
    action: 'form',
    write: [],
    programs: [],
    effect: 'reads only',
  };
}

/** Something changed, or an earlier run did not get to noting on every host that the cluster is complete. */
function finishSteps(cluster: Cluster, seen: readonly SeenHost[], changed: boolean): Step[] {
  const unnoted = seen.filter(({ host, found }) => !found.completed || (host.roles.includes('etcd') && !found.etcd.formed)).map(({ host }) => host.name);
  if (!changed && unnoted.length === 0) return [];
  const complete = seen.some(({ found }) => found.completed);
  return [{
    id: 'cluster/finish',
    host: hostsWith(cluster, 'control-plane')[0]!.name,
    component: 'cluster',
    title: 'ask the API through the VIP, check every balancer and member',
    reasons: [!complete ? 'the cluster has not been finished yet' : changed ? 'something was changed' : `not noted as complete: ${unnoted.join(', ')}`],
    action: 'verify',
    write: [],
    programs: [],
    effect: 'reads only',
  }];
}

function warningsOf(cluster: Cluster, facts: ClusterFacts): string[] {
  const restoring = hostsRestoring(facts);
  const unfinished = restoring.length === 0 ? [] : [`a restore of the whole cluster is not finished on ${restoring.join(', ')}: nothing is applied until kubekeep restore cluster was run again or rolled back`];
  return unfinished.concat(cluster.hosts.flatMap(({ name }) => {
    const found = facts.hosts.get(name);
    return found && !found.reachable ? [`${name} cannot be reached and is left out: ${found.reason}`] : [];
  }));
}
