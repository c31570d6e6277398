import type { HostSpec } from '../cluster/cluster.ts';
import { hardening, soonUpAgain, unitFile } from './_unit-file.ts';

/** A file that keepalived follows: 0, or -254 for a fault. */
export interface TrackedFile {
  readonly name: string;
  readonly path: string;
  /** keepalived makes it where it is not there; the folder must be. */
  readonly makes?: true;
}

export interface VrrpInstance {
  readonly name: string;
  readonly routerId: number;
  readonly interface: string;
  /** Seconds. A silent holder is replaced after three of them and up to one more. */
  readonly advertInterval: number;
  /** Who may hold the addresses, who has them rather first. */
  readonly balancers: readonly HostSpec[];
  readonly addresses: readonly string[];
  /** What it follows: each must say 0. */
  readonly tracked: readonly TrackedFile[];
}

/**
 * VRRPv3 by unicast. All start as BACKUP and nobody takes a VIP back, so that one failure is one interruption. Priorities lie far apart: equal
 * ones were seen to become MASTER within microseconds of each other. Adverts of strangers are not believed. keepalived runs as a real-time task. Where the
 * kernel refuses that, keepalived says so in its log and goes on without. The holder says every second where the VIP is: a balancer that gave it up after
 * two had it leaves neighbours behind who ask nobody.
 */
export function vrrpConfig(host: HostSpec, instances: readonly VrrpInstance[]): string {
  const files = new Map(instances.flatMap(({ tracked }) => tracked.map((file) => [file.name, file])));
  return `# Managed by kubekeep: changes are found by kubekeep plan and undone by kubekeep apply.
global_defs {
    router_id ${host.name}
    enable_script_security
    script_user root
    vrrp_version 3
    vrrp_garp_master_delay 1
    vrrp_garp_master_repeat 5
    vrrp_garp_master_refresh 1
    vrrp_startup_delay 1
    vrrp_check_unicast_src
    vrrp_rt_priority 20
}
${[...files.values()].map(({ name, path, makes }) => `track_file ${name} {\n    file ${path}\n    weight 0\n${makes ? '    init_file 0\n' : ''}}\n`).join('')}${instances.map((instance) => instanceText(host, instance)).join('')}`;
}

function instanceText(host: HostSpec, { name, routerId, interface: device, advertInterval, balancers, addresses, tracked }: VrrpInstance): string {
  const position = balancers.findIndex((one) => one.name === host.name);
  return `vrrp_instance ${name} {
    state BACKUP
    nopreempt
    interface ${device}
    virtual_router_id ${routerId}
    priority ${priority(position, balancers.length)}
    advert_int ${advertInterval}
${unicast(host, balancers.filter((one) => one.name !== host.name))}    virtual_ipaddress {
${addresses.map((address) => `        ${address}/32`).join('\n')}
    }
    track_file {
${tracked.map(({ name: file }) => `        ${file}`).join('\n')}
    }
}
`;
}

/** Without a peer keepalived refuses the word unicast: a balancer that is alone sends its adverts by multicast. */
function unicast({ address }: HostSpec, peers: readonly HostSpec[]): string {
  if (peers.length === 0) return '';
  return `    unicast_src_ip ${address}\n    unicast_peer {\n${peers.map((peer) => `        ${peer.address}`).join('\n')}\n    }\n`;
}

/** 250 for the first, then evenly down to 50: with five balancers they are 50 apart, which is 10 ms of skew at 0.05 s an advert. */
function priority(position: number, count: number): number {
  return 250 - Math.floor((200 / Math.max(1, count - 1)) * position);
}

export interface VrrpUnit {
  readonly description: string;
  /** In /run. */
  readonly folder: string;
  readonly config: string;
  /** Units that tell it something. */
  readonly needs: readonly string[];
  /** Commands that take the addresses off. */
  readonly takeOff: readonly string[];
}

/** The unit of a keepalived that does nothing but VRRP. */
export function vrrpUnit({ description, folder, config, needs, takeOff }: VrrpUnit): string {
  const others = ['network-online.target', ...needs].join(' ');
  return unitFile({
    Unit: { Description: description, After: others, Wants: others, StartLimitIntervalSec: 0 },
    Service: {
      ExecStart: `/usr/sbin/keepalived --dont-fork --vrrp --use-file ${config} --pid /run/${folder}/keepalived.pid --vrrp_pid /run/${folder}/vrrp.pid`,
      ExecReload: '/bin/kill -HUP $MAINPID',
      // One that was killed leaves its addresses behind: they must be gone before another balancer takes them.
      ExecStopPost: takeOff,
      KillMode: 'mixed',
      RuntimeDirectory: folder,
      ...soonUpAgain,
      // It puts the VIP on the interface, speaks VRRP and asks to be a real-time task; root without these can do none of it, nor read other users' files.
      CapabilityBoundingSet: 'CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_NICE',
      RestrictRealtime: 'no',
      // When keepalived 2.3 reloads, it puts the limit for real-time tasks "back" to a zero that it never asked for, and the kernel kills it at the next tick, with its VIPs on. So the limit is set here, and keepalived may change none.
      LimitRTTIME: '100ms:200ms',
      SystemCallFilter: [...hardening.SystemCallFilter, 'sched_setscheduler setpriority', '~setrlimit prlimit64'],
      // Addresses by netlink, gratuitous ARP by a packet socket.
      RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK AF_PACKET',
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}

/** The command that refuses a broken configuration; keepalived also refuses one with a file that is not there yet. */
export function acceptsVrrp(files: readonly Pick<TrackedFile, 'path'>[]): string {
  return `${files.map(asGood).join('')}keepalived -t -f`;
}

function asGood({ path }: Pick<TrackedFile, 'path'>): string {
  const folder = path.slice(0, path.lastIndexOf('/'));
  return `[ -e ${path} ] || { mkdir -p ${folder}; echo 0 > ${path}; chmod 0755 ${folder}; chmod 0644 ${path}; }; `;
}
