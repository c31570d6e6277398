import { issueLeaf } from '../pki/issue.ts';
import { adminLeaf } from '../pki/leaves.ts';
import { apiThroughVip } from './api-through-vip.ts';
import { doorsOf, standardLanes, type ProbePlan } from './probes/probe-plan.ts';
import type { Stage } from './stage.ts';

/** Where the probers' objects are; they are removed before each run. */
const drillNamespace = 'kubekeep-drill';

/** What the prober of one run needs: lanes through the VIP, a certificate for a day, and an empty namespace. */
export async function openProbePlan(stage: Stage, { seed, run }: { readonly seed: number; readonly run: string }): Promise<ProbePlan> {
  const { operation: { cluster, clock }, secrets } = stage;
  const { authorities } = secrets;
  const doors = doorsOf(cluster);
  const { certificate, privateKey } = await issueLeaf(adminLeaf('kubekeep-drill'), authorities.kubernetes, { now: clock.now(), days: 1 });
  await emptyNamespace(stage);
  return { lanes: standardLanes('vip', Object.keys(doors)), doors, ca: authorities.kubernetes.certificate, certificate, key: privateKey, namespace: drillNamespace, seed, run };
}

async function emptyNamespace(stage: Stage): Promise<void> {
  await apiThroughVip(stage, async (api) => {
    await api.apply(`/api/v1/namespaces/${drillNamespace}`, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: drillNamespace } }, { fieldManager: 'kubekeep' });
    await api.delete(`/api/v1/namespaces/${drillNamespace}/configmaps`, { deadline: 60_000 });
  });
}
