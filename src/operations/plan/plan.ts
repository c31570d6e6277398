import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { publicAuthorities, type ClusterSecrets } from '../../pki/secrets.ts';
import type { ComponentDesign, ComponentName } from '../../render/design.ts';
import { reachable, type ClusterFacts, type HostFacts } from '../facts.ts';
import { judgeComponent, type ComponentChange } from './judge-component.ts';
import { preparationReasons } from './preparation.ts';

export const phaseNames = ['prepare', 'etcd', 'control-plane', 'load-balancer', 'finish'] as const;
export type PhaseName = (typeof phaseNames)[number];

/** The ordered way from facts to spec. Data only: it prints, it is compared, it is tested; `apply` performs it. */
export interface Plan {
  readonly cluster: string;
  /** `build`: nothing serves yet, so hosts are brought up together. `change`: something may be serving, so one host at a time. */
  readonly mode: 'build' | 'change';
  readonly phases: readonly PhasePlan[];
  /** What the plan cannot do anything about, in sentences. */
  readonly warnings: readonly string[];
}

export interface PhasePlan {
  readonly name: PhaseName;
  readonly order: 'all hosts together' | 'one host at a time';
  readonly steps: readonly Step[];
}

export interface Step {
  /** `HOST/COMPONENT`, stable between runs. */
  readonly id: string;
  readonly host: string;
  readonly component: ComponentName | 'cluster';
  readonly title: string;
  readonly reasons: readonly string[];
  readonly action: ComponentChange['action'] | 'join' | 'verify';
  readonly write: readonly string[];
  readonly programs: readonly string[];
  /** What clients may notice, in a few words. */
  readonly effect: string;
}

export interface PlanInput {
  readonly cluster: Cluster;
  readonly facts: ClusterFacts;
  readonly secrets: ClusterSecrets;
  readonly programSums: ReadonlyMap<string, string>;
  /** What each reachable host should have. */
  readonly designs: ReadonlyMap<string, readonly ComponentDesign[]>;
}

/** Makes the plan. Pure: the same facts, spec and secrets give the same plan. */
export function makePlan(input: PlanInput): Plan {
  const { cluster, facts } = input;
  const seen = cluster.hosts.flatMap((host) => {
    const found = facts.hosts.get(host.name);
    return reachable(found) ? [{ host, found }] : [];
  });
  const mode = seen.some(({ found }) => found.etcd.formed) ? 'change' : 'build';
  const changes = seen.map(({ host, found }) => ({ host, found, list: changesOf(host, found, input) }));
  const steps = (components: readonly ComponentName[]) =>
    changes.flatMap(({ host, found, list }) => list.filter(({ component }) => components.includes(component)).map((change) => toStep(host, found, change, mode)));
  const phases: PhasePlan[] = [
    { name: 'prepare', order: 'all hosts together', steps: changes.flatMap(({ host, found, list }) => prepareSteps(host, found, list)) },
    ...(mode === 'build'
      ? [
          { name: 'etcd' as const, order: 'all hosts together' as const, steps: steps(['etcd']) },
          { name: 'control-plane' as const, order: 'all hosts together' as const, steps: steps(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) },
        ]
      : [{ name: 'control-plane' as const, order: 'one host at a time' as const, steps: steps(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) }]),
    { name: 'load-balancer', order: mode === 'build' ? 'all hosts together' : 'one host at a time', steps: holderLast(cluster, facts, steps(['haproxy', 'keepalived'])) },
  ];
  const complete = seen.some(({ found }) => found.completed);
  const rest = phases.filter((phase) => phase.steps.length > 0);
  if (rest.length > 0 || !complete) rest.push({ name: 'finish', order: 'one host at a time', steps: [finishStep(cluster, complete)] });
  return { cluster: cluster.name, mode, phases: rest, warnings: warningsOf(cluster, facts) };
}

/** Whether there is nothing to do. */
export function isEmpty({ phases }: Plan): boolean {
  return phases.length === 0;
}

function changesOf(host: HostSpec, found: HostFacts, { designs, secrets, facts, programSums }: PlanInput): ComponentChange[] {
  const context = { facts: found, authorities: publicAuthorities(secrets), now: facts.observedAt, programSums };
  return (designs.get(host.name) ?? []).map((design) => judgeComponent(design, context)).filter((change) => change !== undefined);
}

function prepareSteps(host: HostSpec, found: HostFacts, changes: readonly ComponentChange[]): Step[] {
  const system = changes.find(({ component }) => component === 'system');
  const programs = changes.flatMap((change) => change.programs);
  const reasons = [...preparationReasons(host, found), ...(system?.reasons ?? []), ...(programs.length > 0 ? [`${programs.join(', ')} to be copied`] : [])];
  if (reasons.length === 0) return [];
  return [{ id: `${host.name}/system`, host: host.name, component: 'system', title: 'prepare the host', reasons, action: 'none', write: system?.write ?? [], programs, effect: 'nothing restarts' }];
}

function toStep(host: HostSpec, found: HostFacts, change: ComponentChange, mode: Plan['mode']): Step {
  const joins = change.component === 'etcd' && mode === 'change' && !found.etcd.hasData;
  const action = joins ? 'join' : change.action;
  return {
    id: `${host.name}/${change.component}`,
    host: host.name,
    component: change.component,
    title: joins ? 'etcd: join the cluster as a learner, then as a voter' : `${change.component}: ${action === 'none' ? 'write files' : action}`,
    reasons: change.reasons,
    action,
    write: change.write,
    programs: [],
    effect: effectOf(change, action, mode),
  };
}

function effectOf({ component }: ComponentChange, action: Step['action'], mode: Plan['mode']): string {
  if (mode === 'build' || action === 'start' || action === 'join' || action === 'none') return 'nothing that serves is touched';
  if (action === 'reload') return 'connections stay open';
  const effects: Partial<Record<ComponentName, string>> = {
    'etcd': 'the API server of the host drains first, a leader hands over first',
    'kube-apiserver': 'drains for 12 s, the other API servers serve',
    'kube-controller-manager': 'another host leads after at most 10 s',
    'kube-scheduler': 'another host leads at once',
    'haproxy': 'connections through this host are opened again',
    'keepalived': 'the VIP moves if it is here',
  };
  return effects[component] ?? 'restarts';
}

/** The balancer that holds the VIP changes last: by then the others are known to be good. */
function holderLast(cluster: Cluster, facts: ClusterFacts, steps: readonly Step[]): Step[] {
  const holds = (name: string) => {
    const found = facts.hosts.get(name);
    return reachable(found) && found.addresses.some(({ address }) => address === cluster.endpoint.vip);
  };
  return [...steps.filter(({ host }) => !holds(host)), ...steps.filter(({ host }) => holds(host))];
}

function finishStep(cluster: Cluster, complete: boolean): Step {
  return {
    id: 'cluster/finish',
    host: hostsWith(cluster, 'control-plane')[0]!.name,
    component: 'cluster',
    title: 'ask the API through the VIP, check every balancer and member',
    reasons: [complete ? 'something was changed' : 'the cluster has not been finished yet'],
    action: 'verify',
    write: [],
    programs: [],
    effect: 'reads only',
  };
}

function warningsOf(cluster: Cluster, facts: ClusterFacts): string[] {
  return cluster.hosts.flatMap(({ name }) => {
    const found = facts.hosts.get(name);
    return found && !found.reachable ? [`${name} cannot be reached and is left out: ${found.reason}`] : [];
  });
}
