import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { apiThroughVip } from '../api-through-vip.ts';
import type { Stage } from '../stage.ts';
import type { Pod } from './_service-pods.ts';

export interface DeploymentName {
  readonly namespace: string;
  readonly name: string;
}

/** The mark in the template of the pods by which it is another one. */
const mark = 'kubekeep.dev/drill';

/** The Deployment to which all of some pods belong: their ReplicaSets are called as it and what they have in their label. */
export function rolledBy(pods: readonly Pod[]): DeploymentName | undefined {
  const names = new Set(pods.map(({ metadata: { namespace, labels = {}, ownerReferences = [] } }) => {
    const set = ownerReferences.find(({ kind }) => kind === 'ReplicaSet')?.name;
    const hash = labels['pod-template-hash'];
    return set !== undefined && hash !== undefined && set.endsWith(`-${hash}`) ? `${namespace}/${set.slice(0, -hash.length - 1)}` : '';
  }));
  const [only = ''] = names;
  const [namespace = '', name = ''] = only.split('/');
  return names.size === 1 && name !== '' ? { namespace, name } : undefined;
}

/** Every pod is replaced by one that differs in nothing but a mark. Resolves when the last has been. */
export function rollOut(stage: Stage, deployment: DeploymentName): Promise<void> {
  return apiThroughVip(stage, (api) => rolled(stage, api, deployment, String(stage.operation.clock.now())));
}

/** Replaced again by what they were before; what the Deployment keeps of the mark goes too. */
export function rollBack(stage: Stage, deployment: DeploymentName): Promise<void> {
  return apiThroughVip(stage, async (api) => {
    await rolled(stage, api, deployment, null);
    const path = `/apis/apps/v1/namespaces/${deployment.namespace}/replicasets`;
    const { items } = await api.get<{ readonly items: readonly ReplicaSet[] }>(path);
    const left = items.filter(({ metadata, spec }) => metadata.ownerReferences?.some(({ name }) => name === deployment.name) && spec.template.metadata.annotations?.[mark] !== undefined);
    for (const { metadata } of left) await api.delete(`${path}/${metadata.name}`, { uid: metadata.uid });
  });
}

interface ReplicaSet {
  readonly metadata: { readonly name: string; readonly uid: string; readonly ownerReferences?: readonly { readonly name: string }[] };
  readonly spec: { readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } } };
}

interface Deployment {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: { readonly observedGeneration?: number; readonly updatedReplicas?: number; readonly replicas?: number; readonly availableReplicas?: number };
}

/** Without the drill's signal: an undo has to wait after Ctrl-C too. Throws `not-healthy` after five minutes. */
async function rolled({ operation: { clock } }: Stage, api: ApiClient, { namespace, name }: DeploymentName, value: string | null): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  await api.patch(path, { spec: { template: { metadata: { annotations: { [mark]: value } } } } });
  const deadline = clock.monotonic() + 300_000;
  // An API that is busy is asked again.
  while (!(await api.get<Deployment>(path).then(isRolled, (error: unknown) => !(error instanceof ApiError) && Promise.reject(error as Error)))) {
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `Deployment ${namespace}/${name} has not been rolled out after five minutes`, { hint: `kubekeep kubectl -- --namespace ${namespace} rollout status deployment/${name} says where it stands.` });
    await clock.sleep(500);
  }
}

/** As kubectl rollout status sees it. */
function isRolled({ metadata: { generation }, spec: { replicas }, status }: Deployment): boolean {
  const { observedGeneration = 0, updatedReplicas = 0, replicas: all = 0, availableReplicas = 0 } = status;
  return observedGeneration >= generation && updatedReplicas >= replicas && all <= updatedReplicas && availableReplicas >= updatedReplicas;
}
