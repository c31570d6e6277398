import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { judgeServingRequest } from '../../pki/judge-serving-request.ts';
import type { ComponentName } from '../../render/design.ts';
import { clusterConfiguration } from '../../render/kubeadm.ts';
import type { NodesFact, PendingRequest } from '../facts.ts';
import { contentHash } from './judge-component.ts';
import { stepsFor, type PhasePlan, type SeenHost, type Step } from './step.ts';

const ofWorkers: readonly ComponentName[] = ['containerd', 'kubelet', 'kube-proxy'];

/** What is to be changed on workers that have joined, host by host: their pods move away where it may disturb them. */
export function workerSteps(seen: readonly SeenHost[], nodes: NodesFact | undefined): Step[] {
  return seen.filter(isWorker).filter(({ found }) => found.joined).flatMap((one) => {
    const steps = stepsFor([one], ofWorkers, 'change');
    const requests = approvable(one.host, nodes?.requests ?? []);
    const lost = nodes !== undefined && !nodes.nodes.has(one.host.name) && !steps.some(({ component }) => component === 'kubelet');
    return [
      ...steps,
      ...(lost ? [step(one.host, 'kubelet', 'kubelet', 'restart', 'kubelet: restart', 'the cluster has no node of that name: the kubelet makes one when it starts')] : []),
      ...(requests.length > 0 ? [step(one.host, 'serving-certificate', 'kubelet', 'approve', 'kubelet: approve its serving certificate', 'the kubelet asks for one with the name and the address of the cluster file')] : []),
    ];
  });
}

/** What brings new workers in: the cluster is told how machines join, they join together, and every host gets the way to their pods. */
export function joinPhases(cluster: Cluster, seen: readonly SeenHost[], nodes: NodesFact | undefined): PhasePlan[] {
  const joining = seen.filter(isWorker).filter(({ found }) => !found.joined);
  return [
    { name: 'joinable', order: 'one host at a time', steps: inviteSteps(cluster, seen, nodes, joining.length > 0) },
    { name: 'join', order: 'all hosts together', steps: joining.flatMap((one) => joinSteps(one)) },
    { name: 'pod-network', order: 'all hosts together', steps: networkSteps(cluster, seen, joining) },
  ];
}

/** The requests of a host's kubelet that may be granted. */
export function approvable(host: Pick<HostSpec, 'name' | 'address'>, requests: readonly PendingRequest[]): readonly PendingRequest[] {
  return requests.filter((request) => request.node === host.name && judgeServingRequest(request, host).ok);
}

/** Tells whether what kubeadm keeps in the cluster for machines that join is what it would be told now. */
export function joinHash(cluster: Cluster): string {
  return contentHash(JSON.stringify(clusterConfiguration(cluster)));
}

function isWorker({ host }: SeenHost): boolean {
  return host.roles.includes('worker');
}

function inviteSteps(cluster: Cluster, seen: readonly SeenHost[], nodes: NodesFact | undefined, joining: boolean): Step[] {
  const workers = hostsWith(cluster, 'worker').length > 0;
  const host = seen.find((one) => one.host.roles.includes('control-plane'))?.host;
  if (!workers || host === undefined || nodes?.joinable === joinHash(cluster) || (nodes === undefined && !joining)) return [];
  const reason = nodes?.joinable === undefined ? 'no machine can join the cluster yet' : 'the cluster file has changed since';
  return [{ ...step(host, 'joinable', 'kubelet', 'invite', 'tell the cluster how machines join it', reason), id: 'cluster/joinable', component: 'cluster' }];
}

function joinSteps(one: SeenHost): Step[] {
  const kubelet = one.changes.find(({ component }) => component === 'kubelet');
  return [
    ...stepsFor([one], ['containerd'], 'build'),
    { ...step(one.host, 'join', 'kubelet', 'join', 'kubelet: join the cluster with kubeadm', `${one.host.name} has not joined the cluster yet`), write: kubelet?.write ?? [] },
    ...stepsFor([one], ['kube-proxy'], 'build'),
  ];
}

/** Which network the pods of a worker have is known once it has joined: then the files of all are made. */
function networkSteps({ networks }: Cluster, seen: readonly SeenHost[], joining: readonly SeenHost[]): Step[] {
  if (joining.length === 0) return stepsFor(seen, ['pod-network'], 'change');
  if (networks.cni !== 'bridge') return [];
  const reasons = joining.map(({ host }) => `${host.name} joins`).join(', ');
  const concerned = seen.filter(({ host }) => host.roles.includes('worker') || host.roles.includes('control-plane'));
  return concerned.map(({ host }) => step(host, 'pod-network', 'pod-network', 'restart', 'pod-network: write the routes to the pods', reasons));
}

function step(host: HostSpec, id: string, component: ComponentName, action: Step['action'], title: string, reason: string): Step {
  return { id: `${host.name}/${id}`, host: host.name, component, title, reasons: [reason], action, write: [], programs: [], effect: 'nothing that serves is touched' };
}
