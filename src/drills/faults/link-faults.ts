import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { cut, heal, type CutOptions } from '../../lab/links.ts';
import { etcdLeader, labOf, othersWith, vipHolder, type Stage } from '../stage.ts';
import { aimAtHosts } from './_on-hosts.ts';
import { packetRules, type PacketRules } from './_packet-rules.ts';
import type { Aim, Fault } from './fault.ts';

/** Seconds until one that is cut off from the others knows it (docs/decisions/0015), and a second for processors that are shared. Until then both sides of the cut have a holder. */
const untilKnown = 4;
const cables = { needs: 'cables that can be cut: a lab', labOnly: 'asks for cables that can be cut, which only a lab has' };
const clientsOnly = { labOnly: 'cuts off every client, and only in a lab that is the prober alone' };
const rules = 'nftables on one host, and a timer there that takes the rules out';

/** SSH stays as it is: the drill needs it. */
const large = ['meta length > 1200 iifname != lo tcp dport != 22 tcp sport != 22', 'meta length > 1200 oifname != lo tcp dport != 22 tcp sport != 22'];

/** Packets that do not arrive. */
export const linkFaults: readonly Fault[] = [
  { id: 'E5', title: 'the etcd leader is cut off from the other members', component: 'network', ...cables, seconds: 8, bothHold: untilKnown, obstacle: needsQuorum, aim: async (stage) => cutOff(stage, await etcdLeader(stage), 'leads') },
  { id: 'E5-minority', title: 'a follower is cut off from the other members', component: 'network', ...cables, seconds: 8, bothHold: untilKnown, obstacle: needsQuorum, aim: async (stage) => cutOff(stage, othersWith(stage, 'etcd', await etcdLeader(stage))[0]!, 'follows') },
  { id: 'E5-one-way', title: 'what the etcd leader sends to the other members is lost', component: 'network', ...cables, seconds: 8, bothHold: untilKnown, obstacle: needsQuorum, aim: async (stage) => cutOff(stage, await etcdLeader(stage), 'leads', { oneWay: true }) },
  { id: 'E5-peer', title: 'the peer port of the etcd leader is dead both ways', component: 'network', needs: rules, seconds: 8, obstacle: needsQuorum, aim: async (stage) => filter(stage, await etcdLeader(stage), 'which leads etcd', ['tcp dport 2380', 'tcp sport 2380']) },
  { id: 'E5-client', title: 'the client port of an etcd member is dead both ways', component: 'network', needs: rules, seconds: 8, obstacle: needsQuorum, aim: async (stage) => filter(stage, othersWith(stage, 'etcd')[0]!, 'an etcd member', ['tcp dport 2379', 'tcp sport 2379']) },
  { id: 'E6-rare', title: '1 of 100 packets between the etcd leader and the others is lost', component: 'network', needs: rules, seconds: 15, obstacle: needsQuorum, aim: async (stage) => filter(stage, await etcdLeader(stage), 'which leads etcd', ['tcp dport 2380 numgen random mod 100 0', 'tcp sport 2380 numgen random mod 100 0']) },
  { id: 'E6', title: '1 of 10 packets between the etcd leader and the others is lost', component: 'network', needs: rules, seconds: 15, obstacle: needsQuorum, aim: async (stage) => filter(stage, await etcdLeader(stage), 'which leads etcd', ['tcp dport 2380 numgen random mod 10 0', 'tcp sport 2380 numgen random mod 10 0']) },
  { id: 'E6-half', title: 'every second packet between the etcd leader and the others is lost', component: 'network', needs: rules, seconds: 10, obstacle: needsQuorum, aim: async (stage) => filter(stage, await etcdLeader(stage), 'which leads etcd', ['tcp dport 2380 numgen random mod 2 0', 'tcp sport 2380 numgen random mod 2 0']) },
  { id: 'K2', title: 'VRRP of the VIP holder is lost both ways, all else works', component: 'keepalived', needs: rules, seconds: 8, obstacle: needsBalancers, aim: async (stage) => filter(stage, await vipHolder(stage), 'which holds the VIP', ['ip protocol 112']) },
  { id: 'K2-out', title: 'VRRP that the VIP holder sends is lost, all else works', component: 'keepalived', needs: rules, seconds: 8, obstacle: needsBalancers, aim: async (stage) => filter(stage, await vipHolder(stage), 'which holds the VIP', ['ip protocol 112'], { hooks: ['output'] }) },
  { id: 'A1-refused', title: 'an API server refuses connections', component: 'API server', needs: rules, seconds: 8, obstacle: () => undefined, aim: async (stage) => refuse(stage, othersWith(stage, 'control-plane')[0]!) },
  { id: 'N5-island', title: 'the VIP holder is cut off from every other host, and clients still reach it', component: 'network', ...cables, seconds: 8, bothHold: untilKnown, obstacle: needsBalancers, aim: async (stage) => cutOffHost(stage, await vipHolder(stage)) },
  { id: 'N6', title: 'clients are cut off from the VIP holder, the hosts reach each other', component: 'network', needs: cables.needs, ...clientsOnly, seconds: 6, obstacle: needsBalancers, aim: async (stage) => cutClients(stage, await vipHolder(stage)) },
  { id: 'N6-answers', title: 'what the VIP holder answers to clients is lost, what they send arrives', component: 'network', needs: rules, ...clientsOnly, seconds: 6, obstacle: needsBalancers, aim: async (stage) => filter(stage, await vipHolder(stage), 'which holds the VIP', [`ip daddr ${labOf(stage).gateway} tcp sport ${stage.operation.cluster.endpoint.port}`], { hooks: ['output'] }) },
  { id: 'N6-large', title: 'packets of more than 1200 bytes to and from the VIP holder vanish', component: 'network', needs: rules, seconds: 10, obstacle: needsBalancers, aim: async (stage) => filter(stage, await vipHolder(stage), 'which holds the VIP', large) },
];

/** From the other etcd members; both ways unless said. */
function cutOff(stage: Stage, victim: HostSpec, does: string, options: CutOptions = {}): Aim {
  const others = hostsWith(stage.operation.cluster, 'etcd').filter(({ name }) => name !== victim.name);
  return cutFrom(stage, victim, others.map(({ name }) => name), `${victim.name}, which ${does}`, options);
}

function cutOffHost(stage: Stage, victim: HostSpec): Aim {
  const others = stage.operation.cluster.hosts.filter(({ name }) => name !== victim.name);
  return cutFrom(stage, victim, others.map(({ name }) => name), `${victim.name}, which holds the VIP`, {});
}

/** Only what clients send is dropped at the balancers' port, so that the drill still reaches the host by SSH. */
function cutClients(stage: Stage, victim: HostSpec): Aim {
  const { endpoint } = stage.operation.cluster;
  return filter(stage, victim, 'which holds the VIP', [`ip saddr ${labOf(stage).gateway} tcp dport ${endpoint.port}`], { hooks: ['input'] });
}

function refuse(stage: Stage, victim: HostSpec): Aim {
  return filter(stage, victim, 'whose API server is meant', [`ip daddr ${victim.address} tcp dport 6443`], { hooks: ['input'], verdict: 'reject with tcp reset' });
}

function cutFrom(stage: Stage, victim: HostSpec, others: readonly string[], about: string, options: CutOptions): Aim {
  const lab = labOf(stage);
  const healAll = async () => {
    for (const other of others) await heal(lab, victim.name, other);
  };
  return {
    about,
    hosts: [victim.name],
    inject: async () => {
      for (const other of others) await cut(lab, victim.name, other, options);
    },
    undo: healAll,
  };
}

/** Drops packets on the host itself. */
function filter(stage: Stage, victim: HostSpec, which: string, matches: readonly string[], options: Omit<PacketRules, 'matches'> = {}): Aim {
  return aimAtHosts(stage, [victim], `${victim.name}, ${which}`, packetRules({ matches, ...options }));
}

function needsQuorum(cluster: Cluster): string | undefined {
  return hostsWith(cluster, 'etcd').length >= 3 ? undefined : 'with fewer than three etcd members nothing is left that could go on';
}

function needsBalancers(cluster: Cluster): string | undefined {
  return hostsWith(cluster, 'load-balancer').length > 1 ? undefined : 'there is only one balancer';
}
