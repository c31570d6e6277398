import { isNode, nodeHosts, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { judgeServingRequest } from '../../pki/judge-serving-request.ts';
import type { ComponentName } from '../../render/design.ts';
import { clusterConfiguration } from '../../render/kubeadm.ts';
import { kubeletConfig, podNetworkScript } from '../../render/paths.ts';
import { hasPodNetwork } from '../../render/pod-network.ts';
import type { NodesFact, PendingRequest } from '../facts.ts';
import { contentHash } from './judge-component.ts';
import { stepsFor, type PhasePlan, type SeenHost, type Step } from './step.ts';

const ofNodes: readonly ComponentName[] = ['containerd', 'kubelet', 'kube-proxy'];

/** What is to be changed on nodes that have joined, host by host: their pods move away where it may disturb them. */
export function nodeSteps(seen: readonly SeenHost[], nodes: NodesFact | undefined): Step[] {
  return seen.filter(({ host, found }) => isNode(host) && found.joined).flatMap((one) => {
    const node = nodes?.nodes.get(one.host.name);
    const steps = stepsFor([one], ofNodes, 'change');
    const requests = approvable(one.host, nodes?.requests ?? []);
    const lost = isLost(one, nodes) && !steps.some(({ component }) => component === 'kubelet');
    return [
      ...steps,
      ...(lost ? [step(one.host, 'kubelet', 'kubelet', 'restart', 'kubelet: restart', 'the cluster has no node of that name: the kubelet makes one when it starts')] : []),
      ...(requests.length > 0 ? [step(one.host, 'serving-certificate', 'kubelet', 'approve', 'kubelet: approve its serving certificate', 'the kubelet asks for one with the name and the address of the cluster file')] : []),
      ...(node?.controlPlane === false && one.host.roles.includes('control-plane') ? [step(one.host, 'node-label', 'kubelet', 'label', 'kubelet: label its node as one of the control plane', 'the node does not have the label yet')] : []),
      // Otherwise that is done in the end.
      ...(node?.toBeOpened && !movesPods(steps) ? [step(one.host, 'open', 'kubelet', 'open', 'kubelet: open its node for pods again', 'an apply that was cut has closed it')] : []),
    ];
  });
}

/** Whether the cluster has forgotten the node, which its kubelet makes anew: perhaps with another network for its pods. */
function isLost({ host, found }: SeenHost, nodes: NodesFact | undefined): boolean {
  return isNode(host) && found.joined && nodes?.nodes.has(host.name) === false;
}

/** Whether pods move to other nodes before these steps of a node, which is open again after them. */
export function movesPods(steps: readonly Pick<Step, 'component' | 'action'>[]): boolean {
  return steps.some(({ component, action }) => action === 'restart' && (component === 'containerd' || component === 'kubelet'));
}

/** What takes nodes away whose hosts go on without, as the cluster file has it now: one after the other, each when its pods have gone. */
export function leaveSteps(seen: readonly SeenHost[], nodes: NodesFact | undefined): Step[] {
  return seen.filter(({ host, found }) => !isNode(host) && (found.files.has(kubeletConfig) || nodes?.nodes.get(host.name)?.managed === true)).map(({ host }) => ({
    ...step(host, 'leave', 'kubelet', 'leave', 'kubelet: leave the cluster', 'the cluster file does not say kubelet: true'),
    effect: 'its pods move to other nodes first; the control plane goes on',
  }));
}

/** What brings new nodes in: the cluster is told how machines join, they join together, and every host gets the way to their pods. */
export function joinPhases(cluster: Cluster, seen: readonly SeenHost[], nodes: NodesFact | undefined): PhasePlan[] {
  const joining = seen.filter(({ host, found }) => isNode(host) && !found.joined);
  return [
    { name: 'joinable', order: 'one host at a time', steps: inviteSteps(cluster, seen, nodes, joining.length > 0) },
    { name: 'join', order: 'all hosts together', steps: joining.flatMap((one) => joinSteps(one)) },
    { name: 'pod-network', order: 'all hosts together', steps: networkSteps(cluster, seen, [...joining, ...seen.filter((one) => isLost(one, nodes))]) },
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

function inviteSteps(cluster: Cluster, seen: readonly SeenHost[], nodes: NodesFact | undefined, joining: boolean): Step[] {
  const host = seen.find((one) => one.host.roles.includes('control-plane'))?.host;
  if (nodeHosts(cluster).length === 0 || host === undefined || nodes?.joinable === joinHash(cluster) || (nodes === undefined && !joining)) return [];
  const reason = nodes?.joinable === undefined ? 'no machine can join the cluster yet' : 'the cluster file has changed since';
  return [{ ...step(host, 'joinable', 'kubelet', 'invite', 'tell the cluster how machines join it', reason), id: 'cluster/joinable', component: 'cluster' }];
}

function joinSteps(one: SeenHost): Step[] {
  const kubelet = one.changes.find(({ component }) => component === 'kubelet');
  return [
    ...stepsFor([one], ['containerd'], 'build'),
    { ...step(one.host, 'join', 'kubelet', 'join', 'kubelet: join the cluster with kubeadm', `${one.host.name} has no certificate of the cluster that is good`), write: kubelet?.write ?? [] },
    ...stepsFor([one], ['kube-proxy'], 'build'),
  ];
}

/** Which network the pods of a node have is known once it has joined: then the files of all are made. */
function networkSteps(cluster: Cluster, seen: readonly SeenHost[], coming: readonly SeenHost[]): Step[] {
  if (coming.length === 0) return [...stepsFor(seen, ['pod-network'], 'change'), ...remains(cluster, seen)];
  const reasons = coming.map(({ host }) => `${host.name} comes, and its pods may have another network`).join(', ');
  const concerned = seen.filter(({ host }) => hasPodNetwork(cluster, host));
  return concerned.map(({ host }) => step(host, 'pod-network', 'pod-network', 'restart', 'pod-network: write the routes to the pods', reasons));
}

/** On hosts without pods, when the last node has gone. */
function remains(cluster: Cluster, seen: readonly SeenHost[]): Step[] {
  return seen.filter(({ host, found }) => !isNode(host) && !hasPodNetwork(cluster, host) && found.files.has(podNetworkScript)).map(({ host }) => step(host, 'pod-network', 'pod-network', 'remove', 'pod-network: remove', 'there are no pods to which routes could lead'));
}

function step(host: HostSpec, id: string, component: ComponentName, action: Step['action'], title: string, reason: string): Step {
  return { id: `${host.name}/${id}`, host: host.name, component, title, reasons: [reason], action, write: [], programs: [], effect: 'nothing that serves is touched' };
}
