import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { cordonedAnnotation, readNode } from '../look-at-nodes.ts';
import type { Work } from './work.ts';

/** Minutes that the pods of a node get to go. */
const patience = 5;

/** The node gets no new pods; `reopens`: until this `apply`, or the next where this one is cut, opens it again. */
export async function cordon(api: ApiClient, node: string, { reopens = false } = {}): Promise<void> {
  await api.patch(`/api/v1/nodes/${node}`, { ...(reopens && { metadata: { annotations: { [cordonedAnnotation]: 'apply' } } }), spec: { unschedulable: true } });
}

export async function uncordon(api: ApiClient, node: string): Promise<void> {
  await api.patch(`/api/v1/nodes/${node}`, { metadata: { annotations: { [cordonedAnnotation]: null } }, spec: { unschedulable: null } });
}

/**
 * Asks every pod of a node to go, as far as their disruption budgets let them, and waits until they have gone. Those of DaemonSets and of the kubelet itself
 * stay: they would come back at once. Where the kubelet stops to answer meanwhile nobody ends them, and nothing is waited for. Throws `not-healthy` where one does not go, with the pod and the reason.
 */
export async function drain({ clock, signal, progress }: Pick<Work, 'clock' | 'signal' | 'progress'>, api: ApiClient, node: string): Promise<void> {
  const deadline = clock.monotonic() + patience * 60_000;
  for (let told = false; ; ) {
    const pods = await movingPods(api, node, signal);
    if (pods.length === 0 || !(await readNode(api, node, signal))?.alive) return;
    if (!told) progress({ type: 'note', host: node, title: `${pods.length === 1 ? 'a pod moves' : `${pods.length} pods move`} to other workers` });
    told = true;
    const refusals = await Promise.all(pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map((pod) => evict(api, pod)));
    if (clock.monotonic() > deadline) {
      const { namespace, name } = pods[0]!.metadata;
      throw new KubekeepError('not-healthy', `pod ${namespace}/${name} does not leave ${node}: ${refusals.find((reason) => reason !== undefined) ?? 'it is still ending'}`, { hint: `${node} gets no new pods now. Let the pod go, then run the same command again; kubekeep kubectl -- uncordon ${node} gives it up.` });
    }
    await clock.sleep(500, signal);
  }
}

/** Waits until Kubernetes has deleted the pods of a node that it has forgotten, a minute or so: on one that is made anew before that they would keep addresses that lead nowhere. Throws `not-healthy`. */
export async function untilForgotten({ clock, signal, progress }: Pick<Work, 'clock' | 'signal' | 'progress'>, api: ApiClient, node: string): Promise<void> {
  const deadline = clock.monotonic() + 180_000;
  for (let told = false; ; told = true) {
    const pod = (await podsOf(api, node, signal)).find((one) => !isMirror(one));
    if (pod === undefined) return;
    if (!told) progress({ type: 'note', host: node, title: 'Kubernetes deletes the pods that it had there, within a minute or so' });
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `pod ${pod.metadata.namespace}/${pod.metadata.name} is still bound to ${node}, which the cluster has forgotten`, { hint: 'kubekeep status says whether a controller manager leads; then run kubekeep apply again.' });
    await clock.sleep(500, signal);
  }
}

/** Pods that would be gone for good with their node, NAMESPACE/NAME: no controller makes them again. Those that have ended, or end already, are nobody's loss. */
export async function lonePods(api: ApiClient, node: string, signal: AbortSignal): Promise<readonly string[]> {
  const lone = (await movingPods(api, node, signal)).filter(({ metadata }) => metadata.deletionTimestamp === undefined && metadata.ownerReferences?.some(({ controller }) => controller) !== true);
  return lone.map(({ metadata: { namespace, name } }) => `${namespace}/${name}`);
}

interface Pod {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly deletionTimestamp?: string; readonly annotations?: Readonly<Record<string, string>>; readonly ownerReferences?: readonly { readonly kind: string; readonly controller?: boolean }[] };
  readonly status: { readonly phase?: string };
}

async function movingPods(api: ApiClient, node: string, signal: AbortSignal): Promise<readonly Pod[]> {
  return (await podsOf(api, node, signal)).filter(moves);
}

async function podsOf(api: ApiClient, node: string, signal: AbortSignal): Promise<readonly Pod[]> {
  return (await api.get<{ items: readonly Pod[] }>(`/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`, { signal })).items;
}

function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

function moves(pod: Pod): boolean {
  if (isMirror(pod)) return false;
  const { metadata, status } = pod;
  if (metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet')) return false;
  // One that is ending has ended when its kubelet has taken it away, which nobody else does.
  return metadata.deletionTimestamp !== undefined || (status.phase !== 'Succeeded' && status.phase !== 'Failed');
}

/** Undefined where the pod goes, else why it may not go now. */
async function evict(api: ApiClient, { metadata: { namespace, name } }: Pod): Promise<string | undefined> {
  try {
    await api.post(`/api/v1/namespaces/${namespace}/pods/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name } });
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === 'NotFound') return undefined;
    if (error.reason === 'TooManyRequests') return error.message.replace(/^API server \S+: POST \S+: /, '');
    throw error;
  }
}
