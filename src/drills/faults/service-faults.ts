import { hostsWith } from '../../cluster/cluster.ts';
import { cordon, drain, uncordon } from '../../operations/phases/drain.ts';
import { apiThroughVip } from '../api-through-vip.ts';
import { visited } from '../probes/probe-plan.ts';
import { holderOf } from '../stage.ts';
import { aimAtPower } from './_at-power.ts';
import { burners } from './_background.ts';
import { aimAtHosts } from './_on-hosts.ts';
import { firstFit, gentle, whyNotGentle } from './_service-pods.ts';
import { needsService, needsTwoNodes, refuseSilent, victim, withTwoNodes } from './_visited-services.ts';
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
    // Longer than the 50 s after which Kubernetes no longer believes in the node, and takes its pods out of Services.
    id: 'W2', title: 'the kubelet of a node that a service leads to hangs for 70 s', ...margin, needs: 'systemctl kill on one worker, and a timer there that lets it go on', seconds: 70, noVisitFails: true, vipStays: true, obstacle: needsTwoNodes,
    async aim(stage) {
      const { node, about } = await victim(stage);
      return aimAtHosts(stage, [node], about, { inject: 'systemctl kill -s STOP kubelet.service', undo: 'systemctl kill -s CONT kubelet.service; systemctl start --no-block kubelet.service' });
    },
  },
  {
    id: 'W3', title: 'four processes on a node that a service leads to use all the CPU that they get, for 25 s', ...margin, needs: 'shells that count, on one worker, with a time limit of their own', seconds: 25, limit: { new: 5, reused: 5 }, vipStays: true, obstacle: needsTwoNodes,
    async aim(stage) {
      const { node, about } = await victim(stage);
      return aimAtHosts(stage, [node], about, burners(4));
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
    id: 'W8', title: 'a node that a service leads to is cordoned, and its pods move to others', ...margin, needs: 'nothing but the API', seconds: 5, planned: true, noVisitFails: true, vipStays: true, obstacle: needsTwoNodes,
    async aim(stage) {
      const { service } = await firstFit(stage, withTwoNodes(stage.operation.cluster), whyNotGentle, gentle);
      const { node, about } = await victim(stage, service);
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
