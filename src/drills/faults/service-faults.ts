import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import { hostsWith } from '../../cluster/cluster.ts';
import { nodesOf } from '../../cluster/service.ts';
import { cordon, drain, uncordon } from '../../operations/phases/drain.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { apiThroughVip } from '../api-through-vip.ts';
import { holderOf, shuffled, type Stage } from '../stage.ts';
import { answeringServices } from '../probes/answering-services.ts';
import { visited } from '../probes/probe-plan.ts';
import { aimAtPower } from './_at-power.ts';
import { background } from './_background.ts';
import { aimAtHosts } from './_on-hosts.ts';
import type { Fault } from './fault.ts';

const power = { component: 'node', needs: 'machines with a power switch: a lab', labOnly: 'asks for machines with a power switch, which only a lab has' } as const;
const margin = { component: 'node', labOnly: 'takes a node of a service, and no permit says whether the service can spare one' } as const;

/** What becomes of services behind the balancers: of those that speak HTTP, which are asked for their pages meanwhile. */
export const serviceFaults: readonly Fault[] = [
  {
    id: 'W1', title: 'a node that a service leads to loses its power', ...power, seconds: 15, limit: { new: 5, reused: 5 }, vipStays: true, obstacle: needsTwoNodes,
    async aim(stage) {
      const { node, about } = await victim(stage);
      return aimAtPower(stage, [node], about);
    },
  },
  {
    id: 'W3', title: 'four processes on a node that a service leads to use all the CPU that they get, for 25 s', ...margin, needs: 'shells that count, on one worker, with a time limit of their own', seconds: 25, limit: { new: 5, reused: 5 }, vipStays: true, obstacle: needsTwoNodes,
    async aim(stage) {
      const { node, about } = await victim(stage);
      return aimAtHosts(stage, [node], about, background('busy', 'for i in 1 2 3 4; do timeout 60 sh -c "while :; do :; done" & done; wait'));
    },
  },
  {
    id: 'W7', title: 'the balancer that holds the VIP of a service loses its power', ...power, seconds: 8, limit: { new: 5, reused: 7.5 },
    obstacle: (cluster) => needsService(cluster) ?? (hostsWith(cluster, 'load-balancer').length > 1 ? undefined : 'there is one balancer'),
    async aim(stage) {
      const { name, listen } = visited(stage.operation.cluster)[0]!;
      await refuseSilent(stage, name);
      const holder = await holderOf(stage, listen.vip);
      return aimAtPower(stage, [holder], `${holder.name}, which holds the VIP of ${name}`);
    },
  },
  {
    id: 'W8', title: 'a node that a service leads to is cordoned, and its pods move to others', ...margin, needs: 'nothing but the API', seconds: 5, planned: true, vipStays: true, obstacle: needsTwoNodes,
    async aim(stage) {
      const { node, about } = await victim(stage);
      return {
        about, hosts: [],
        inject: () => apiThroughVip(stage, async (api) => {
          await cordon(api, node.name);
          await drain(stage.operation, api, node.name);
        }),
        undo: () => apiThroughVip(stage, (api) => uncordon(api, node.name)),
      };
    },
  },
];

function needsService(cluster: Cluster): string | undefined {
  return visited(cluster).length > 0 ? undefined : 'the cluster file has no service in http mode';
}

function needsTwoNodes(cluster: Cluster): string | undefined {
  return needsService(cluster) ?? (visited(cluster).some((service) => nodesOf(service, cluster.hosts).length > 1) ? undefined : 'no service leads to two nodes');
}

async function victim(stage: Stage): Promise<{ readonly node: HostSpec; readonly about: string }> {
  const { operation: { cluster }, draw } = stage;
  const service = visited(cluster).find((one) => nodesOf(one, cluster.hosts).length > 1)!;
  await refuseSilent(stage, service.name);
  const node = shuffled(nodesOf(service, cluster.hosts), draw)[0]!;
  return { node, about: `${node.name}, to which ${service.name} leads` };
}

/** Where nothing answers before, nothing can be found out. */
async function refuseSilent({ operation: { cluster, clock } }: Stage, service: string): Promise<void> {
  if ((await answeringServices(cluster, clock)).includes(service)) return;
  throw new KubekeepError('drill-refused', `service ${service} does not answer, so nothing that its visitors feel could be measured`, { hint: 'kubekeep lb list shows its servers.' });
}
