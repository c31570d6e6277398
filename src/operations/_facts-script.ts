import { followerFacts } from './follower/keeper-stamp.ts';
import { cniConfig, configFolder, containerdDropIn, endedNote, etcdDataFolder, keeperUnit, kubeletFolder, loadAgentTemplate, loadAgentUnit, pkiFolder, restoredNote, restoringNote, servicesSocket, servicesUnit, serviceVipsUnits, stateFolder, steerUnit, unitFolder } from '../render/paths.ts';
import { haproxySocket } from '../render/haproxy.ts';
import { hostPackages } from './plan/preparation.ts';

export const componentUnits = [
  'etcd.service',
  'kube-apiserver.service',
  'kube-controller-manager.service',
  'kube-scheduler.service',
  'kubekeep-haproxy.service',
  'kubekeep-keepalived.service',
  'kubekeep-lb-alive.service',
  'kubekeep-vip-guard.service',
  keeperUnit,
  steerUnit,
  loadAgentUnit,
  'containerd.service',
  'kubelet.service',
  'kube-proxy.service',
  'kubekeep-pod-network.service',
  servicesUnit,
  ...serviceVipsUnits,
  'haproxy.service',
  'keepalived.service',
] as const;

/**
 * One script that prints everything about a host, a fact a line, fields separated by tabs. It only reads, but for a stamp that spares hashing a
 * program again while its inode, size and change time are the same.
 */
export function factsScript(address: string): string {
  return `
LC_ALL=C; export LC_ALL
# One write a line: the parts at the end print at the same time.
p() { out=; for field; do out="$out$field\t"; done; printf '%s\\n' "$out"; }
. /etc/os-release 2>/dev/null; p os "$ID $VERSION_ID"
p arch "$(uname -m)"
p clock "$(date +%s)"
p openfiles "$(ulimit -Hn)"
ip -4 -o addr show 2>/dev/null | while read -r _ i _ a _; do p address "\${i%@*}" "$a"; done
F=$(find ${configFolder} /etc/kubernetes ${stateFolder}/sealed.age /etc/sysctl.d/90-kubekeep.conf /etc/systemd/journald.conf.d/90-kubekeep.conf ${containerdDropIn} ${cniConfig} ${[...componentUnits, loadAgentTemplate].map((unit) => `${unitFolder}/${unit}`).join(' ')} -type f 2>/dev/null)
[ -n "$F" ] && { sha256sum $F | while read -r h f; do printf 'hash\\t%s\\t%s\\n' "$f" "$h"; done; stat -c 'stat\t%n\t%a\t%U:%G' $F; }
find ${pkiFolder} -name '*.crt' -type f 2>/dev/null | while read -r f; do p cert "$f" "$(base64 -w0 < "$f")"; done
[ -f ${stateFolder}/keys ] && while read -r h f; do p key "$f" "$h"; done < ${stateFolder}/keys
S=${stateFolder}/programs.stamp
for f in /opt/kubekeep/programs/*/*/*; do
  [ -f "$f" ] || continue
  k="$f $(stat -c '%i %s %Z %a' "$f")"
  h=$(grep -F "$k " $S 2>/dev/null | tail -n 1 | sed 's/.* //')
  [ -n "$h" ] || { h=$(sha256sum < "$f" | cut -d' ' -f1); echo "$k $h" >> $S; }
  p program "$f" "$h"
done
${followerFacts}
{ systemctl show -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p NeedDaemonReload -p NRestarts ${componentUnits.join(' ')} 2>/dev/null; echo; } | while IFS='=' read -r k v; do
  case $k in Id) i=$v;; LoadState) l=$v;; ActiveState) a=$v;; SubState) s=$v;; UnitFileState) e=$v;; NeedDaemonReload) n=$v;; NRestarts) r=$v;; '')
    # One that systemd had to start again and again is between two ends, whatever it does at this moment.
    [ "$a" = activating ] && [ "\${r:-0}" -ge 3 ] && s=auto-restart
    [ -n "$i" ] && p unit "$i" "$l" "$a" "$s" "$e" "$n"; i= r=0;; esac
done
systemctl show -p Id ${componentUnits.at(-1)} > /dev/null 2>&1 && p systemd yes
for f in ${stateFolder}/pending/*; do [ -e "$f" ] && p pending "\${f##*/}"; done
dpkg-query -W -f '\${db:Status-Abbrev}\\t\${Package}\\t\${Version}\\n' ${hostPackages.join(' ')} 2>/dev/null | while read -r s n v; do [ "$s" = ii ] && p package "$n" "$v"; done
for u in etcd kubernetes kubekeep; do getent passwd $u > /dev/null && p user $u; done
[ -f /sys/fs/cgroup/cgroup.controllers ] && p cgroups 2 || p cgroups 1
systemd-detect-virt -cq 2>/dev/null && p nested
systemctl is-active -q systemd-resolved.service 2>/dev/null && p resolvconf /run/systemd/resolve/resolv.conf
[ -e ${kubeletFolder}/pki/kubelet-client-current.pem ] && p joined "$(sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' ${kubeletFolder}/pki/kubelet-client-current.pem | base64 -w0)"
p nonlocalbind "$(cat /proc/sys/net/ipv4/ip_nonlocal_bind 2>/dev/null)"
[ -f ${configFolder}/cluster.json ] && p identity "$(base64 -w0 < ${configFolder}/cluster.json)"
[ -f ${stateFolder}/sealed.age ] && p sealed "$(base64 -w0 < ${stateFolder}/sealed.age)"
[ -d ${etcdDataFolder}/member/wal ] && p etcd data
[ -f ${stateFolder}/formed ] && p etcd formed
[ -f ${stateFolder}/completed ] && p completed
[ -f ${restoringNote} ] && p restoring "$(base64 -w0 < ${restoringNote})"
[ -f ${restoredNote} ] && p restored "$(cat ${restoredNote})"; [ -s ${endedNote} ] && p ended $(cat ${endedNote})
[ -f ${configFolder}/etcd.yaml ] && p etcd "$(sed -n 's/^initial-cluster-state: //p' ${configFolder}/etcd.yaml)"
# The parts are asked together, each with a limit of its own, so that a hung one delays the answer by one limit and not by the sum of all.
if command -v curl > /dev/null; then
  [ -f ${configFolder}/etcd.yaml ] && { curl -sf -m 1.5 -o /dev/null http://127.0.0.1:2381/readyz && p etcd ready; } &
  if [ -f ${pkiFolder}/ca.crt ] && [ -f ${unitFolder}/kube-apiserver.service ]; then
    api() { curl -sf -m 2.5 -o /dev/null --cacert ${pkiFolder}/ca.crt --resolve kubernetes:6443:${address} "https://kubernetes:6443/$1"; }
    { api 'livez?exclude=etcd' && p api live; } &
    { api readyz && p api ready; } &
  fi
fi
${balancerFacts}
wait
p end
`;
}

/** What both HAProxies say of their servers, on which ports something else listens wherever they might, and with whom the API's VIP is shared. */
const balancerFacts = `ask() { [ -S "$2" ] && command -v socat > /dev/null && echo 'show stat' | socat -t 1 - "UNIX-CONNECT:$2" 2>/dev/null | while IFS= read -r line; do p "$1" "$line"; done; }
ask stat-line ${haproxySocket}
ask service-line ${servicesSocket}
[ -f ${configFolder}/keepalived.conf ] && p peers $(sed -n '/unicast_peer {/,/}/s/^ *\\([0-9.]*\\)$/\\1/p' ${configFolder}/keepalived.conf)
ss -Hltn 2>/dev/null | while read -r _ _ _ at _; do case $at in 0.0.0.0:*|'*':*|'[::]':*) p listens "\${at##*:}";; esac; done`;
