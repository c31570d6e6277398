import { hostsWith, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { hardening, soonUpAgain, unitFile } from './_unit-file.ts';
import { vipGuard, vipGuardFile, vipGuardUnit } from './_vip-guard.ts';
import { alivePort } from './haproxy.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { configFolder, unitFolder } from './paths.ts';

const unit = 'kubekeep-keepalived.service';
const aliveUnit = 'kubekeep-lb-alive.service';
const config = `${configFolder}/keepalived.conf`;
const script = `${configFolder}/lb-alive.sh`;
const aliveFile = '/run/kubekeep-lb/alive';
const vrrpPidFile = '/run/kubekeep-keepalived/vrrp.pid';

/** keepalived holds the VIP on one balancer; it follows the HAProxy of its own host and never the API behind it. */
export function renderKeepalived(input: RenderInput): ComponentDesign | undefined {
  if (!input.host.roles.includes('load-balancer')) return undefined;
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'keepalived',
    unit,
    companions: [aliveUnit, vipGuardUnit],
    programs: {},
    files: [
      file(script, aliveScript, 0o755),
      file(config, keepalivedConfig(input)),
      file(`${unitFolder}/${aliveUnit}`, aliveUnitFile),
      ...vipGuard(input, { aliveFile, vrrpPidFile, advertInterval }),
      file(`${unitFolder}/${unit}`, keepalivedUnit(input)),
    ],
    check: { path: config, command: `${[aliveFile, vipGuardFile].map(asGood).join('')}keepalived -t -f` },
    onChange: 'reload',
  };
}

/** keepalived refuses a configuration with a file that is not there yet. */
function asGood(path: string): string {
  const folder = path.slice(0, path.lastIndexOf('/'));
  return `[ -e ${path} ] || { mkdir -p ${folder}; echo 0 > ${path}; chmod 0755 ${folder}; chmod 0644 ${path}; }; `;
}

/** Seconds. A silent holder is replaced after three of them and up to one more. */
const advertInterval = 0.05;

/**
 * VRRPv3 by unicast. All start as BACKUP and nobody takes the VIP back, so that one failure is one interruption. Priorities lie far apart: equal
 * ones were seen to become MASTER within microseconds of each other. Adverts of strangers are not believed. keepalived runs as a real-time task: with so
 * short an interval a holder that is only starved of CPU would lose the VIP, and the guard asks before one does (docs/decisions/0015, 0020). Where the
 * kernel refuses that, keepalived says so in its log and goes on without. The holder says every second where the VIP is: a balancer that gave it up after
 * two had it leaves neighbours behind who ask nobody.
 */
function keepalivedConfig({ cluster, host, facts }: RenderInput): string {
  const balancers = hostsWith(cluster, 'load-balancer');
  const position = balancers.findIndex(({ name }) => name === host.name);
  const peers = balancers.filter(({ name }) => name !== host.name);
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
    vrrp_rlimit_rttime 200000
}
track_file haproxy_alive {
    file ${aliveFile}
    weight 0
}
track_file no_other_holder {
    file ${vipGuardFile}
    weight 0
}
vrrp_instance api {
    state BACKUP
    nopreempt
    interface ${facts.vipInterface}
    virtual_router_id ${facts.virtualRouterId}
    priority ${priority(position, balancers.length)}
    advert_int ${advertInterval}
${unicast(host, peers)}    virtual_ipaddress {
${endpointAddresses(cluster).map((address) => `        ${address}/32`).join('\n')}
    }
    track_file {
        haproxy_alive
        no_other_holder
    }
}
`;
}

function endpointAddresses({ endpoint: { vip, previousVips } }: Cluster): readonly string[] {
  return [vip, ...previousVips];
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

/**
 * keepalived's own track_process needs a kernel interface that containers lack, and sees no hung process. Two bad answers of the last three
 * count; the loop uses no process per turn but one a second, for systemd's watchdog.
 */
const aliveScript = `#!/bin/bash
# Managed by kubekeep. Asks the local HAProxy every 100 ms whether it is alive and tells keepalived (0: alive, -254: fault).
exec 9<> <(:)
window=(0 0 0)
told=
turn=0
late=0

# 0: alive, 1: not, 2: this loop itself had to wait for a processor, as HAProxy may have.
alive() {
  local answer=
  local asked=\${EPOCHREALTIME/[.,]/}
  { exec 3<>/dev/tcp/127.0.0.1/${alivePort}; } 2>/dev/null || return 1
  printf 'GET /alive HTTP/1.0\\r\\n\\r\\n' >&3
  IFS= read -r -t 0.2 -u 3 answer
  exec 3>&-
  [[ $answer == *" 200 "* ]] && return
  (( \${EPOCHREALTIME/[.,]/} - asked < 300000 )) && return 1
  return 2
}

while :; do
  alive; bad=$?
  # Not for ever: after five of them in a row it counts.
  late=$(( bad == 2 ? late + 1 : 0 ))
  if (( late > 0 && late <= 5 )); then continue; fi
  window=("\${window[@]:1}" $(( bad > 0 )))
  if (( window[0] + window[1] + window[2] >= 2 )); then now=-254; else now=0; fi
  if [[ $now != "$told" ]]; then echo "$now" > ${aliveFile}; told=$now; echo "HAProxy: $([[ $now == 0 ]] && echo alive || echo does not answer)"; fi
  if (( turn == 0 )); then systemd-notify READY=1 WATCHDOG=1; fi
  turn=$(( (turn + 1) % 5 ))
  read -r -t 0.1 -u 9
done
`;

const aliveUnitFile = unitFile({
  Unit: { Description: 'Tells keepalived whether HAProxy is alive (kubekeep)', After: 'kubekeep-haproxy.service', StartLimitIntervalSec: 0 },
  Service: {
    Type: 'notify',
    User: 'haproxy',
    Group: 'haproxy',
    NotifyAccess: 'all',
    ExecStart: `/bin/bash ${script}`,
    // A loop that ended by itself or was killed must not leave a good word behind.
    ExecStopPost: `/bin/sh -c '[ "$SERVICE_RESULT" = success ] || echo -254 > ${aliveFile}'`,
    WatchdogSec: 5,
    RuntimeDirectory: 'kubekeep-lb',
    RuntimeDirectoryPreserve: 'yes',
    ...soonUpAgain,
    // keepalived, root without the right to pass over modes, reads the file.
    UMask: '0022',
  },
  Install: { WantedBy: 'multi-user.target' },
});

const keepalivedUnit = ({ cluster, facts }: RenderInput) => unitFile({
  Unit: { Description: 'keepalived for the VIP of the Kubernetes API (kubekeep)', After: `network-online.target ${aliveUnit} ${vipGuardUnit}`, Wants: `network-online.target ${aliveUnit} ${vipGuardUnit}`, StartLimitIntervalSec: 0 },
  Service: {
    ExecStart: `/usr/sbin/keepalived --dont-fork --vrrp --use-file ${config} --pid /run/kubekeep-keepalived/keepalived.pid --vrrp_pid ${vrrpPidFile}`,
    ExecReload: '/bin/kill -HUP $MAINPID',
    // One that was killed leaves its addresses behind: they must be gone before another balancer takes them.
    ExecStopPost: endpointAddresses(cluster).map((address) => `-/usr/sbin/ip address delete ${address}/32 dev ${facts.vipInterface}`),
    KillMode: 'mixed',
    RuntimeDirectory: 'kubekeep-keepalived',
    ...soonUpAgain,
    // It puts the VIP on the interface, speaks VRRP and asks to be a real-time task; root without these can do none of it, nor read other users' files.
    CapabilityBoundingSet: 'CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_NICE',
    RestrictRealtime: 'no',
    SystemCallFilter: [...hardening.SystemCallFilter, 'sched_setscheduler setpriority setrlimit prlimit64'],
    // Addresses by netlink, gratuitous ARP by a packet socket.
    RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK AF_PACKET',
  },
  Install: { WantedBy: 'multi-user.target' },
});
