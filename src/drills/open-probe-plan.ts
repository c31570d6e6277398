import type { Cluster } from '../cluster/cluster.ts';
import type { Clock } from '../lib/clock.ts';
import { issueLeaf } from '../pki/issue.ts';
import { adminLeaf } from '../pki/leaves.ts';
import { apiThroughVip } from './api-through-vip.ts';
import { answeringServices } from './probes/answering-services.ts';
import { doorsOf, quietWatch, standardLanes, type Door, type ProbePlan } from './probes/probe-plan.ts';
import type { Stage } from './stage.ts';

/** What the prober of one run needs: lanes through the VIP and to each API server, a certificate for a day, and a namespace of its own. */
export async function openProbePlan(stage: Stage, { seed, run }: { readonly seed: number; readonly run: string }): Promise<ProbePlan> {
  const { operation: { cluster, clock }, secrets } = stage;
  const { authorities } = secrets;
  const doors = await answeringDoors(cluster, clock);
  const { certificate, privateKey } = await issueLeaf(adminLeaf('kubekeep-drill'), authorities.kubernetes, { now: clock.now(), days: 1 });
  const namespace = `kubekeep-drill-${run}`;
  await apiThroughVip(stage, (api) => api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }));
  return { lanes: standardLanes(Object.keys(doors)), quiet: [quietWatch()], doors, ca: authorities.kubernetes.certificate, certificate, key: privateKey, namespace, seed, run };
}

/** The ways to the API, and to the services that give a page now. Waits 3 s at most. */
export async function answeringDoors(cluster: Cluster, clock: Clock): Promise<Readonly<Record<string, Door>>> {
  const services = await answeringServices(cluster, clock);
  return doorsOf({ ...cluster, services: cluster.services.filter(({ name }) => services.includes(name)) });
}

/** Lets kube-controller-manager remove what runs wrote, those of killed drills too, thousands of objects: not between two runs, which would feel it. */
export async function removeNamespaces(stage: Stage): Promise<void> {
  await apiThroughVip(stage, async (api) => {
    const { items } = await api.get<{ readonly items: readonly { readonly metadata: { readonly name: string } }[] }>(`/api/v1/namespaces?labelSelector=${encodeURIComponent(`${managedBy}=${labels[managedBy]}`)}`);
    for (const { metadata: { name } } of items) await api.delete(`/api/v1/namespaces/${name}`);
  });
}

const managedBy = 'app.kubernetes.io/managed-by';
const labels = { [managedBy]: 'kubekeep-drill' };
