import type { HostSpec } from '../../cluster/cluster.ts';
import type { ComponentName } from '../../render/design.ts';
import type { HostFacts } from '../facts.ts';
import type { ComponentChange } from './judge-component.ts';

export const phaseNames = ['prepare', 'etcd', 'quorum', 'control-plane', 'load-balancer', 'steering', 'backup', 'workers', 'leave', 'joinable', 'join', 'pod-network', 'dns', 'services', 'finish'] as const;
export type PhaseName = (typeof phaseNames)[number];

export interface PhasePlan {
  readonly name: PhaseName;
  readonly order: 'all hosts together' | 'one host at a time';
  readonly steps: readonly Step[];
}

export interface Step {
  /** `HOST/COMPONENT`, or `HOST/etcd-join` and the like; stable between runs, unique in a plan. */
  readonly id: string;
  readonly host: string;
  readonly component: ComponentName | 'cluster';
  readonly title: string;
  readonly reasons: readonly string[];
  readonly action: ComponentChange['action'] | 'join' | 'form' | 'leave' | 'approve' | 'label' | 'open' | 'invite' | 'install' | 'verify' | 'remove';
  readonly write: readonly string[];
  readonly programs: readonly string[];
  /** What clients may notice, in a few words. */
  readonly effect: string;
}

/** A host that answers, and everything that is to be changed on it. */
export interface SeenHost {
  readonly host: HostSpec;
  readonly found: HostFacts;
  readonly changes: readonly ComponentChange[];
}

/** A step for each change of these components. `build`: nothing serves yet. */
export function stepsFor(seen: readonly SeenHost[], components: readonly ComponentName[], mode: 'build' | 'change'): Step[] {
  return seen.flatMap(({ host, changes }) => changes.filter(({ component }) => components.includes(component)).map((change) => toStep(host, change, mode)));
}

function toStep(host: HostSpec, { component, action, reasons, write }: ComponentChange, mode: 'build' | 'change'): Step {
  const title = action === 'none' ? (write.length > 0 ? 'write files' : 'start at boot') : action;
  return { id: `${host.name}/${component}`, host: host.name, component, title: `${component}: ${title}`, reasons, action, write, programs: [], effect: effectOf(component, action, mode) };
}

function effectOf(component: ComponentName, action: Step['action'], mode: 'build' | 'change'): string {
  if (mode === 'build' || action === 'start' || action === 'none') return 'nothing that serves is touched';
  if (action === 'reload') return component === 'haproxy' || component === 'services' ? 'connections stay open for five minutes' : 'connections stay open';
  const effects: Partial<Record<ComponentName, string>> = {
    'etcd': 'the API server of the host drains first, a leader hands over first',
    'kube-apiserver': 'drains for 12 s, the other API servers serve',
    'kube-controller-manager': 'another host leads after at most 10 s',
    'kube-scheduler': 'another host leads at once',
    'haproxy': 'connections through this host are opened again',
    'keepalived': 'the VIP moves if it is here',
    'steer': 'weights are whole for a moment',
    'keeper': 'the log goes on where it ends',
    'containerd': 'its pods move to other workers first',
    'kubelet': 'its pods move to other workers first',
    'kube-proxy': 'Services keep the rules that are there',
    'pod-network': 'pods keep their connections',
    'services': 'connections to services through this host are opened again',
    'service-vips': 'the VIPs of services move if they are here',
  };
  return effects[component] ?? 'restarts';
}
