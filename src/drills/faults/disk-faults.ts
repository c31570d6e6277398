import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import type { Lab } from '../../lab/lab.ts';
import { releaseDisk, stallDisk } from '../../lab/stall.ts';
import { etcdLeader, labOf, othersWith, vipHolder, type Stage } from '../stage.ts';
import { aimAtPower } from './_at-power.ts';
import { aimAtHosts } from './_on-hosts.ts';
import type { Aim, Fault } from './fault.ts';

const own = { needs: 'a disk of its own in every machine: lab up --disks', labOnly: 'asks for disks that can be stopped or lose what was not synced, which only a lab has' };

/** Seconds after which a disk goes on by itself, should nobody come back. */
const life = 60;
/** ms. Measured: with no pause in between nearly every synced write waits for one standstill; with 2 ms some pass through at once. */
const slow = { still: 200, between: 0 };
const still = { still: life * 1000, between: 0 };

/** Disks that are slow, stand still, are full, or lose what was not synced. */
export const diskFaults: readonly Fault[] = [
  { id: 'E7', title: 'synced writes of the etcd leader take 200 ms', component: 'etcd', ...own, seconds: 15, obstacle: needsDisks, aim: async (stage) => stall(stage, await etcdLeader(stage), 'leads', slow) },
  { id: 'E7-follower', title: 'synced writes of an etcd follower take 200 ms', component: 'etcd', ...own, seconds: 15, obstacle: needsFollower, aim: async (stage) => stall(stage, othersWith(stage, 'etcd', await etcdLeader(stage))[0]!, 'follows', slow) },
  { id: 'E8', title: 'the disk of the etcd leader stands still for 10 s', component: 'etcd', ...own, seconds: 10, obstacle: needsDisks, aim: async (stage) => stall(stage, await etcdLeader(stage), 'leads', still) },
  { id: 'E9', title: 'the disk of the etcd leader is full', component: 'etcd', ...own, seconds: 30, obstacle: needsDisks, aim: async (stage) => fill(stage, await etcdLeader(stage), 'leads etcd') },
  { id: 'N4-disk', title: 'the disk of the VIP holder is full', component: 'host', ...own, seconds: 30, obstacle: needsDisks, aim: async (stage) => fill(stage, await vipHolder(stage), 'holds the VIP') },
  { id: 'E11', title: 'all members lose their power and every page that was not synced', component: 'etcd', ...own, seconds: 3, obstacle: needsDisks, aim: async (stage) => aimAtPower(stage, hostsWith(stage.operation.cluster, 'etcd'), 'every etcd member', { dropUnsynced: true }) },
  { id: 'E11-one', title: 'the etcd leader loses its power and every page that was not synced', component: 'etcd', ...own, seconds: 8, obstacle: needsFollower,
    async aim(stage) {
      const leader = await etcdLeader(stage);
      return aimAtPower(stage, [leader], `${leader.name}, which leads etcd`, { dropUnsynced: true });
    },
  },
];

/** By the lab and not by a script: who waits for a disk cannot let it go on. Its own watchdog is armed before it. */
function stall(stage: Stage, { name }: HostSpec, does: string, how: typeof slow): Aim {
  const lab = labOf(stage);
  return { about: `${name}, which ${does}`, hosts: [name], inject: () => stallDisk(lab, name, { ...how, seconds: life }), undo: () => releaseDisk(lab, name) };
}

/** Blocks are taken without being written, and what is then left byte by byte. */
function fill(stage: Stage, victim: HostSpec, does: string): Aim {
  const file = '/var/lib/kubekeep-drill-fill';
  return aimAtHosts(stage, [victim], `${victim.name}, which ${does}`, {
    inject: `fallocate -l "$(df -B1 --output=avail / | tail -1)" ${file} 2>/dev/null; dd if=/dev/zero bs=4k of=${file}-rest 2>/dev/null; [ "$(df -B1 --output=avail / | tail -1)" -lt 65536 ]`,
    undo: `rm -f ${file} ${file}-rest`,
  });
}

function needsDisks(_: Cluster, lab?: Pick<Lab, 'diskSize'>): string | undefined {
  return lab?.diskSize === undefined ? "the machines share this computer's disk; lab up --disks makes machines with disks of their own" : undefined;
}

function needsFollower(cluster: Cluster, lab?: Pick<Lab, 'diskSize'>): string | undefined {
  return hostsWith(cluster, 'etcd').length > 1 ? needsDisks(cluster, lab) : 'there is one etcd member';
}
