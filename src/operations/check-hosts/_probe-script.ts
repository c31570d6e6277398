import { endpointVips, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { serviceVips } from '../../cluster/service.ts';
import { quote } from '../../hosts/quote.ts';
import { configFolder, etcdDataFolder, unitFolder } from '../../render/paths.ts';
import { componentUnits } from '../_facts-script.ts';
import { packagesFor, usersFor } from '../plan/preparation.ts';
import { askArp, diskSpeed, hearRouters } from './_perl.ts';

/** Services that keep an etcd, a Kubernetes or a VIP of their own; what only binds our ports is seen by its ports. */
const conspicuousUnits = [
  'etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubekeep-haproxy', 'kubekeep-keepalived', 'kubekeep-service-vips', 'haproxy', 'keepalived',
  'k3s', 'k3s-agent', 'rke2-server', 'rke2-agent', 'k0scontroller', 'k0sworker', 'snap.microk8s.daemon-kubelite',
].map((name) => `${name}.service`);
const timeServices = ['systemd-timesyncd', 'chrony', 'chronyd', 'ntpsec', 'ntp', 'openntpd'];

/** Seconds. */
const limits = { disk: 3, arp: 0.7, vrrp: 1.25 } as const;

/**
 * One script that prints everything about a host that matters before it is touched, a fact a line, fields separated by tabs. `quick` leaves out what takes
 * more than about a second. The host is as it was afterwards.
 */
export function probeScript(cluster: Cluster, host: HostSpec, { quick }: { quick: boolean }): string {
  const balancer = host.roles.includes('load-balancer');
  const vips = [...endpointVips(cluster), ...serviceVips(cluster)].map(quote).join(' ');
  return `
p() { printf '%s\\t' "$@"; printf '\\n'; }
a=${quote(host.address)}; i=${quote(host.interface ?? '')}
[ -n "$i" ] || i=$(ip -4 -o addr show 2>/dev/null | while read -r _ i _ c _; do [ "\${c%/*}" = "$a" ] && echo "\${i%@*}"; done | head -n 1)
${measurements({ balancer, quick, vips, etcd: host.roles.includes('etcd') })}
. /etc/os-release 2>/dev/null; p os "$ID" "$VERSION_ID" "$ID_LIKE" "$PRETTY_NAME"
command -v apt-get > /dev/null && p apt yes
p arch "$(uname -m)"
p init "$(cat /proc/1/comm)" "$(systemctl --version 2>/dev/null | sed -n 's/^systemd \\([0-9]*\\).*/\\1/p')"
for t in perl ip ss findmnt flock base64 sha256sum getent useradd; do command -v $t > /dev/null || p missing $t; done
c=$(systemd-detect-virt -c 2>/dev/null) && p container "$c"
p machine "$(cat /etc/machine-id 2>/dev/null)"
p openfiles "$(ulimit -Hn | sed 's/unlimited/1000000000/')"
p memory "$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)"
p selinux "$(cat /sys/fs/selinux/enforce 2>/dev/null)"
for d in /etc /opt /var/lib ${etcdDataFolder}; do
  e=$d; while [ ! -d "$e" ]; do e=$(dirname "$e"); done
  x=yes; case ",$(findmnt -n -o OPTIONS -T "$e" 2>/dev/null)," in *,noexec,*) x=no;; esac
  w=no; [ -w "$e" ] && w=yes
  p place "$d" "$(df -Pk "$e" | awk 'NR == 2 { print $4 }')" $w $x
done
ip -4 -o addr show 2>/dev/null | while read -r _ i _ c _; do p address "\${i%@*}" "$c"; done
for f in /sys/class/net/*/address; do n=\${f%/address}; p link "\${n##*/}" "$(cat "$f")"; done
ss -Hltnp 2>/dev/null | while read -r _ _ _ l _ u; do
  n=\${u#*pid=}; n=\${n%%,*}; b=$(sed -n 's|.*/\\([^/]*\\.service\\).*|\\1|p' "/proc/$n/cgroup" 2>/dev/null | head -n 1)
  [ -n "$b" ] || { b=\${u#*\\"}; b=\${b%%\\"*}; }
  p listen "$l" "$b"
done
{ systemctl show -p Id -p LoadState -p ActiveState -p FragmentPath ${conspicuousUnits.join(' ')} 2>/dev/null; echo; } | while IFS='=' read -r k v; do
  case $k in Id) u=$v;; LoadState) l=$v;; ActiveState) s=$v;; FragmentPath) f=$v;; '')
    o=no; case " ${componentUnits.join(' ')} " in *" $u "*) [ "$f" = "${unitFolder}/$u" ] && [ -f ${configFolder}/cluster.json ] && o=yes;; esac
    [ -n "$u" ] && [ "$l" = loaded ] && p unit "$u" "$s" $o; u=;; esac
done
[ -f ${configFolder}/cluster.json ] && p identity "$(base64 -w0 < ${configFolder}/cluster.json)"
[ -f ${configFolder}/cluster.json ] || for d in ${etcdDataFolder}/member /etc/kubernetes/manifests /etc/kubernetes/pki /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf /etc/etcd /etc/rancher /var/lib/rancher; do
  [ -e $d ] && [ -n "$(ls -A $d 2>/dev/null)" ] && p remains $d
done
for u in ${usersFor(cluster, host).join(' ')}; do getent passwd $u > /dev/null && ! getent group $u > /dev/null && p nogroup $u; done
for n in ${packagesFor(host).join(' ')}; do
  v=$(dpkg-query -W -f '\${db:Status-Abbrev} \${Version}' $n 2>/dev/null | sed -n 's/^ii *//p')
  [ -n "$v" ] || v=$(apt-cache policy $n 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -v '(none)')
  p package $n "$v"
done
apt-mark showhold 2>/dev/null | while read -r n; do p held "$n"; done
[ "$(dpkg-query -W -f '\${db:Status-Abbrev}' unattended-upgrades 2>/dev/null)" = 'ii ' ] && apt-config dump APT::Periodic::Unattended-Upgrade 2>/dev/null | grep -q '"[1-9]' && p unattended yes
for u in ${timeServices.join(' ')}; do systemctl is-active -q $u.service 2>/dev/null && p time $u; done
for u in firewalld ufw; do systemctl is-active -q $u.service 2>/dev/null && p firewall $u; done
wait
p end
`;
}

/** They run beside the rest; each prints whole lines. */
function measurements({ balancer, quick, vips, etcd }: { balancer: boolean; quick: boolean; vips: string; etcd: boolean }): string {
  const perl = (program: string, args: string) => `perl -e ${quote(program)} ${args} 2>&1 &`;
  return [
    'if command -v perl > /dev/null; then',
    ':',
    ...(balancer ? [`[ -n "$i" ] && ${perl(askArp, `"$i" ${limits.arp} ${vips}`)}`] : []),
    ...(balancer ? [perl(hearRouters, `"$a" ${limits.vrrp}`)] : []),
    ...(etcd && !quick ? [`d=/var/lib; [ -d ${etcdDataFolder} ] && d=${etcdDataFolder}; ${perl(diskSpeed, `"$d" ${limits.disk}`)}`] : []),
    'fi',
  ].join('\n');
}
