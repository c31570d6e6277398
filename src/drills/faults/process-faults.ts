import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import { hostsWith } from '../../cluster/cluster.ts';
import { etcdLeader, othersWith, vipHolder, type Stage } from '../stage.ts';
import { aimAtHosts } from './_on-hosts.ts';
import type { Fault, FaultComponent } from './fault.ts';

type Victims = { readonly hosts: readonly HostSpec[]; readonly about: string };

const victims = {
  leader: async (stage: Stage): Promise<Victims> => {
    const leader = await etcdLeader(stage);
    return { hosts: [leader], about: `the member of ${leader.name}, which leads` };
  },
  follower: async (stage: Stage): Promise<Victims> => {
    const [follower] = othersWith(stage, 'etcd', await etcdLeader(stage)) as [HostSpec];
    return { hosts: [follower], about: `the member of ${follower.name}, which follows` };
  },
  holder: async (stage: Stage): Promise<Victims> => {
    const holder = await vipHolder(stage);
    return { hosts: [holder], about: `${holder.name}, which holds the VIP` };
  },
  anyServer: async (stage: Stage): Promise<Victims> => {
    const [server] = othersWith(stage, 'control-plane') as [HostSpec];
    return { hosts: [server], about: `the API server of ${server.name}` };
  },
  allServersButOne: async (stage: Stage): Promise<Victims> => {
    const [spared, ...servers] = othersWith(stage, 'control-plane') as [HostSpec];
    return { hosts: servers, about: `every API server but that of ${spared.name}` };
  },
  allServers: async ({ operation: { cluster } }: Stage): Promise<Victims> => ({ hosts: hostsWith(cluster, 'control-plane'), about: 'every API server' }),
} as const;

interface ProcessFault extends Omit<Fault, 'component' | 'needs' | 'vipStays' | 'obstacle' | 'aim'> {
  readonly unit: string;
  readonly victims: keyof typeof victims;
  /** KILL, SEGV and what systemd starts again; STOP until it is continued. */
  readonly signal: 'KILL' | 'SEGV' | 'STOP';
}

const components: Readonly<Record<string, FaultComponent>> = { 'etcd.service': 'etcd', 'kube-apiserver.service': 'API server', 'kubekeep-haproxy.service': 'HAProxy', 'kubekeep-keepalived.service': 'keepalived', 'kubekeep-lb-alive.service': 'keepalived' };

const table: readonly ProcessFault[] = [
  { id: 'E1', title: 'an etcd follower is killed', unit: 'etcd.service', victims: 'follower', signal: 'KILL', seconds: 5 },
  { id: 'E2', title: 'the etcd leader is killed', unit: 'etcd.service', victims: 'leader', signal: 'KILL', seconds: 5, target: { new: [0.7, 1.5], reused: [0.7, 1.5] } },
  { id: 'E4', title: 'the etcd leader hangs for 5 s', unit: 'etcd.service', victims: 'leader', signal: 'STOP', seconds: 5, target: { new: [1.2, 2.5], reused: [1.2, 2.5] } },
  { id: 'E4-second', title: 'the etcd leader hangs for 1 s', unit: 'etcd.service', victims: 'leader', signal: 'STOP', seconds: 1 },
  { id: 'E4-short', title: 'the etcd leader hangs for 0.2 s', unit: 'etcd.service', victims: 'leader', signal: 'STOP', seconds: 0.2 },
  { id: 'E4-long', title: 'the etcd leader hangs for 30 s', unit: 'etcd.service', victims: 'leader', signal: 'STOP', seconds: 30 },
  { id: 'A1', title: 'the API server on the VIP holder is killed', unit: 'kube-apiserver.service', victims: 'holder', signal: 'KILL', seconds: 6 },
  { id: 'A3', title: 'an API server hangs for 11 s', unit: 'kube-apiserver.service', victims: 'anyServer', signal: 'STOP', seconds: 11, target: { new: [1, 1.5], reused: [1.5, 2.5] } },
  { id: 'A3-most', title: 'all API servers but one hang for 30 s', unit: 'kube-apiserver.service', victims: 'allServersButOne', signal: 'STOP', seconds: 30, limit: { new: 10, reused: 18 }, labOnly: 'takes every API server but one away at once' },
  { id: 'A6', title: 'every API server is killed at once', unit: 'kube-apiserver.service', victims: 'allServers', signal: 'KILL', seconds: 10, labOnly: 'takes every API server away at once' },
  { id: 'A8', title: 'the etcd member that an API server asks hangs for 15 s', unit: 'etcd.service', victims: 'follower', signal: 'STOP', seconds: 15 },
  { id: 'H1', title: 'HAProxy on the VIP holder is killed', unit: 'kubekeep-haproxy.service', victims: 'holder', signal: 'KILL', seconds: 5 },
  { id: 'H2', title: 'HAProxy on the VIP holder hangs for 40 s', unit: 'kubekeep-haproxy.service', victims: 'holder', signal: 'STOP', seconds: 40, target: { new: [0.6, 1.2], reused: [0.6, 1.2] } },
  { id: 'K1', title: 'keepalived on the VIP holder is killed', unit: 'kubekeep-keepalived.service', victims: 'holder', signal: 'KILL', seconds: 5, target: { new: [0.6, 1.2], reused: [0.6, 1.2] } },
  { id: 'K1-crash', title: 'keepalived on the VIP holder dies of a segmentation fault', unit: 'kubekeep-keepalived.service', victims: 'holder', signal: 'SEGV', seconds: 5 },
  { id: 'K1-hang', title: 'keepalived on the VIP holder hangs for 8 s', unit: 'kubekeep-keepalived.service', victims: 'holder', signal: 'STOP', seconds: 8 },
  { id: 'K4', title: 'what tells keepalived of HAProxy is killed on the VIP holder', unit: 'kubekeep-lb-alive.service', victims: 'holder', signal: 'KILL', seconds: 5 },
  { id: 'K4-hang', title: 'what tells keepalived of HAProxy hangs on the VIP holder for 12 s', unit: 'kubekeep-lb-alive.service', victims: 'holder', signal: 'STOP', seconds: 12 },
];

/** None of them may see another one die: a child of keepalived's that sees its parent go ends in order, and takes the VIP off. */
function atOnce(signal: string): string {
  const stop = 'kill -s STOP $pids';
  return signal === 'STOP' ? stop : `${stop} && kill -s ${signal} $pids && { kill -s CONT $pids 2> /dev/null || true; }`;
}

/** Processes that are killed or hang. */
export const processFaults: readonly Fault[] = table.map(({ unit, victims: who, signal, ...fault }) => ({
  ...fault,
  component: components[unit]!,
  vipStays: components[unit] === 'etcd' || components[unit] === 'API server',
  needs: `systemctl kill on ${who.startsWith('allServers') ? 'every control-plane host' : 'one host'}${signal === 'STOP' ? ', and a timer there that lets it go on' : ''}`,
  obstacle: (cluster: Cluster) => {
    if (who === 'follower' && hostsWith(cluster, 'etcd').length < 2) return 'there is one etcd member, so none that follows';
    return who === 'allServersButOne' && hostsWith(cluster, 'control-plane').length < 2 ? 'there is one API server' : undefined;
  },
  async aim(stage: Stage) {
    const chosen = await victims[who](stage);
    // The processes that are there now, as a crash or the kernel would: systemctl kill goes on until the unit is empty and takes what systemd starts to tidy up.
    // A unit that somebody stopped is started again; one that runs is left as it is.
    const undo = `${signal === 'STOP' ? `systemctl kill -s CONT ${unit}; ` : ''}systemctl start --no-block ${unit}`;
    return aimAtHosts(stage, chosen.hosts, chosen.about, { inject: `pids=$(cat /sys/fs/cgroup/$(systemctl show -P ControlGroup ${unit})/cgroup.procs); ${atOnce(signal)}`, undo });
  },
}));
