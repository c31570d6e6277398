import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { powerOff, powerOn } from '../../lab/power.ts';
import { etcdLeader, labOf, moveLeader, othersWith, shuffled, vipHolder } from '../stage.ts';
import { aimAtPower } from './_at-power.ts';
import type { Fault } from './fault.ts';

const needs = 'machines with a power switch: a lab';
const labOnly = 'asks for machines with a power switch, which only a lab has';

/** Hosts that lose their power: the cable first, then the machine, so that nothing of it says good-bye. */
export const powerFaults: readonly Fault[] = [
  {
    id: 'N1', title: 'the VIP holder loses its power; another host leads etcd', component: 'host', needs, labOnly, seconds: 8, obstacle: needsSecondHost,
    target: { new: [0.4, 1], reused: [0.7, 1.5] },
    async aim(stage) {
      const holder = await vipHolder(stage);
      if ((await etcdLeader(stage)).name === holder.name) await moveLeader(stage, othersWith(stage, 'etcd', holder)[0]!);
      return aimAtPower(stage, [holder], `${holder.name}, which holds the VIP and does not lead etcd`);
    },
  },
  {
    id: 'N1-leader', title: 'the host that holds the VIP and leads etcd loses its power', component: 'host', needs, labOnly, seconds: 8,
    obstacle: (cluster) => needsSecondHost(cluster) ?? (hostsWith(cluster, 'load-balancer').some(({ roles }) => roles.includes('etcd')) ? undefined : 'no host is both a balancer and an etcd member'),
    target: { new: [1.2, 2], reused: [1.2, 2] },
    async aim(stage) {
      const holder = await vipHolder(stage);
      await moveLeader(stage, holder);
      return aimAtPower(stage, [holder], `${holder.name}, which holds the VIP and leads etcd`);
    },
  },
  {
    id: 'N2', title: 'every host is switched off and on, one after the other', component: 'host', needs, labOnly, seconds: 0, obstacle: needsSecondHost,
    async aim(stage) {
      const { cluster } = stage.operation;
      const order = shuffled(cluster.hosts, stage.draw);
      const one = async (host: HostSpec) => {
        await powerOff(labOf(stage), host.name);
        await stage.operation.clock.sleep(3000, stage.operation.signal);
        await powerOn(labOf(stage), host.name);
        await stage.healthy();
      };
      return { ...aimAtPower(stage, order, `${order.map(({ name }) => name).join(', then ')}, each after the one before it is healthy`), inject: async () => { for (const host of order) await one(host); } };
    },
  },
  {
    id: 'N3', title: 'all hosts lose their power and get it back in random order', component: 'host', needs, labOnly, seconds: 3, obstacle: () => undefined,
    async aim(stage) {
      const order = shuffled(stage.operation.cluster.hosts, stage.draw);
      const delays = order.map(() => Math.round(stage.draw() * 4000));
      return {
        ...aimAtPower(stage, order, `all hosts; power comes back in the order ${order.map(({ name }, position) => `${name} (${(delays[position]! / 1000).toFixed(1)} s later)`).join(', ')}`),
        undo: async () => {
          for (const [position, host] of order.entries()) {
            await stage.operation.clock.sleep(delays[position]!);
            await powerOn(labOf(stage), host.name);
          }
        },
      };
    },
  },
];

function needsSecondHost({ hosts }: Cluster): string | undefined {
  return hosts.length > 1 ? undefined : 'there is only one host';
}
