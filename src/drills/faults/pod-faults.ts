import type { HostSpec } from '../../cluster/cluster.ts';
import type { ServiceSpec } from '../../cluster/service.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { apiThroughVip } from '../api-through-vip.ts';
import { visited } from '../probes/probe-plan.ts';
import { shuffled, type Stage } from '../stage.ts';
import { aimAtPower } from './_at-power.ts';
import { runAll } from './_on-hosts.ts';
import { rollBack, rollOut, rolledBy } from './_roll-deployment.ts';
import { firstFit, gentle, killScript, untilPods, whyNoHaproxy, whyNotGentle, type Pod } from './_service-pods.ts';
import { needsService, needsTwoNodes, refuseSilent, withTwoNodes } from './_visited-services.ts';
import type { Fault } from './fault.ts';

const shared = { component: 'node', vipStays: true, labOnly: 'takes pods of a service, and no permit says whether the service can spare one' } as const;

/** What becomes of visitors of a service when its pods go. */
export const podFaults: readonly Fault[] = [
  {
    id: 'W4', title: 'a pod of a service is deleted', ...shared, needs: 'nothing but the API', seconds: 5, planned: true, noVisitFails: true, obstacle: needsService,
    async aim(stage) {
      const { service, pods } = await fit(stage, visited(stage.operation.cluster), whyNotGentle, gentle);
      const [pod] = shuffled(pods, stage.draw) as [Pod];
      return {
        about: aboutPod(pod, service), hosts: [],
        inject: async () => {
          await apiThroughVip(stage, (api) => api.delete(`/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`, { uid: pod.metadata.uid }));
          await untilPods(stage, service, pods.length, [pod]);
        },
        undo: () => untilPods(stage, service, pods.length),
      };
    },
  },
  {
    id: 'W4-kill', title: 'all processes of a pod of a service are killed', ...shared, needs: 'kill on one worker', seconds: 10, limit: { new: 5, reused: 5 }, obstacle: needsService,
    async aim(stage) {
      const { service, pods } = await fit(stage, visited(stage.operation.cluster), (found) => (found.length < 2 ? 'it has fewer than two pods that are ready' : undefined), 'Give it two pods.');
      const [pod] = shuffled(pods, stage.draw) as [Pod];
      return { about: aboutPod(pod, service), hosts: [nodeOf(stage, pod).name], inject: () => runAll(stage, [nodeOf(stage, pod)], () => killScript(pod)), undo: () => untilPods(stage, service, pods.length) };
    },
  },
  {
    id: 'W5', title: 'the Deployment of a service is rolled out, and back', ...shared, needs: 'nothing but the API', seconds: 5, planned: true, noVisitFails: true, obstacle: needsService,
    async aim(stage) {
      const { service, pods } = await fit(stage, visited(stage.operation.cluster), (found) => whyNotGentle(found) ?? (rolledBy(found) ? undefined : 'its pods belong to no Deployment'), gentle);
      const deployment = rolledBy(pods)!;
      return { about: `${deployment.namespace}/${deployment.name}, to whose pods ${service.name} leads`, hosts: [], inject: () => rollOut(stage, deployment), undo: () => rollBack(stage, deployment) };
    },
  },
  {
    id: 'W6', title: 'a pod of HAProxy inside the cluster is killed, and 10 s later the node of another one loses its power', ...shared, needs: 'machines with a power switch: a lab', seconds: 15, limit: { new: 5, reused: 5 }, obstacle: needsTwoNodes,
    async aim(stage) {
      const { service, pods } = await fit(stage, withTwoNodes(stage.operation.cluster), whyNoHaproxy, 'kubekeep manifests haproxy --type NodePort makes one; a service of the cluster file then forwards to its Service (docs/guides/haproxy-inside-the-cluster.md).');
      const [first] = shuffled(pods, stage.draw) as [Pod];
      const lost = nodeOf(stage, pods.find(({ spec }) => spec.nodeName !== first.spec.nodeName)!);
      const cut = aimAtPower(stage, [lost], `${aboutPod(first, service)}; then ${lost.name}`);
      return {
        ...cut,
        inject: async () => {
          await runAll(stage, [nodeOf(stage, first)], () => killScript(first));
          await stage.operation.clock.sleep(10_000, stage.operation.signal);
          await untilPods(stage, service, pods.length);
          await cut.inject();
        },
        undo: async () => {
          await cut.undo();
          await untilPods(stage, service, pods.length);
        },
      };
    },
  },
];

async function fit(stage: Stage, services: readonly ServiceSpec[], whyNot: (pods: readonly Pod[]) => string | undefined, hint: string) {
  const found = await firstFit(stage, services, whyNot, hint);
  await refuseSilent(stage, found.service.name);
  return found;
}

function aboutPod({ metadata: { namespace, name }, spec: { nodeName } }: Pod, service: ServiceSpec): string {
  return `${namespace}/${name} on ${nodeName}, to which ${service.name} leads`;
}

/** Throws `drill-refused` for a node that is no host of the cluster file. */
function nodeOf({ operation: { cluster } }: Stage, { metadata, spec: { nodeName } }: Pod): HostSpec {
  const host = cluster.hosts.find(({ name }) => name === nodeName);
  if (host) return host;
  throw new KubekeepError('drill-refused', `pod ${metadata.namespace}/${metadata.name} is on ${nodeName}, which is no host of the cluster file`, { hint: 'kubekeep kubectl -- get pods -o wide shows where pods are.' });
}
