import { quote } from '../hosts/quote.ts';
import { cniConfig, configFolder, containerdDropIn, etcdDataFolder, keeperStateFolder, loadAgentTemplate, loadAgentUnit, pkiFolder, podNetworkUnit, stateFolder, steerUnit, unitFolder } from '../render/paths.ts';
import { endKubeletScript, endPodNetworkScript, restoreContainerdScript } from './leave-script.ts';
import { lockGuard } from './lock.ts';
import { setAsideScript } from './set-aside-script.ts';

export interface DestroyScript {
  /** The lock's token. */
  readonly token: string;
  /** Part of the name under which etcd's data is kept. */
  readonly time: string;
  /** Nothing is kept: neither etcd's data and what was put aside of it before, nor the audit log. */
  readonly purge: boolean;
  /** Addresses that keepalived may have left behind. */
  readonly vips: readonly string[];
}

/** Units of ours, the ones that clients meet first. */
const units = [
  'kubekeep-service-vips.service',
  'kubekeep-services-alive.service',
  'kubekeep-services-guard.service',
  'kubekeep-services.service',
  'kubekeep-keepalived.service',
  'kubekeep-lb-alive.service',
  'kubekeep-vip-guard.service',
  'kubekeep-haproxy.service',
  steerUnit,
  'kubekeep-keeper.service',
  loadAgentUnit,
  'kube-proxy.service',
  podNetworkUnit,
  'kube-controller-manager.service',
  'kube-scheduler.service',
  'kube-apiserver.service',
  'etcd.service',
];

/**
 * Everything that `apply` puts on a host, but for the units and etcd's data; packages and users stay.
 * @internal
 */
export const removedPaths: readonly string[] = [
  pkiFolder,
  ...['encryption.yaml', 'authentication.yaml', 'authorization.yaml', 'audit-policy.yaml', 'controller-manager.conf', 'scheduler.conf', 'scheduler.yaml', 'kubelet.conf'].map((name) => `/etc/kubernetes/${name}`),
  '/etc/sysctl.d/90-kubekeep.conf',
  '/etc/systemd/journald.conf.d/90-kubekeep.conf',
  containerdDropIn,
  cniConfig,
  `${unitFolder}/${loadAgentTemplate}`,
  '/opt/kubekeep',
  '/var/lib/kube-controller-manager',
  keeperStateFolder,
  '/run/kubekeep-haproxy',
  '/run/kubekeep-services',
  '/run/kubekeep-services-alive',
  '/run/kubekeep-services-guard',
  '/run/kubekeep-service-vips',
  '/run/kubekeep-keeper',
  '/run/kubekeep-keepalived',
  '/run/kubekeep-lb',
  '/run/kubekeep-vip-guard',
];

/** ms: that a node's containers have ended and left no rules may take two minutes alone. */
export const destroyTimeout = 180_000;

/**
 * Takes a cluster off one host. Prints `nothing` where kubekeep has not been, else `kept` with the path of everything it left, and `destroyed`. A
 * host that was never ours is not touched, and what says that it is ours goes last: cut anywhere, the script is run again and goes on.
 */
export function destroyScript({ token, time, purge, vips }: DestroyScript): string {
  const aside = `${etcdDataFolder}.kubekeep-destroyed-${time}`;
  return `${lockGuard(token)}
LC_ALL=C; export LC_ALL
[ -f ${configFolder}/cluster.json ] || [ -f ${stateFolder}/journal ] || { echo nothing; exit 0; }
${endKubeletScript}
U=
for u in ${units.join(' ')}; do grep -qs '(kubekeep)' ${unitFolder}/$u && U="$U $u"; done
if [ -n "$U" ]; then
  systemctl disable -q $U 2>/dev/null
  case $U in *kube-apiserver*) systemctl stop --no-block kube-apiserver.service; systemctl kill -s KILL kube-apiserver.service 2>/dev/null;; esac
  systemctl stop $U || exit 1
  for u in $U; do rm -f ${unitFolder}/$u ${unitFolder}/$u.*; done
  systemctl daemon-reload; systemctl reset-failed $U 2>/dev/null
fi
for a in ${vips.map(quote).join(' ')}; do
  ip -4 -o addr show to "$a/32" | while read -r _ i _ found _; do ip addr del "$found" dev "\${i%@*}"; done
done
${etcdDataScript(purge, aside)}
${purge ? 'rm -rf /var/log/kubernetes' : '[ ! -d /var/log/kubernetes ] || echo kept /var/log/kubernetes'}
[ ! -f /etc/sysctl.d/90-kubekeep.conf ] || sysctl -q -w net.ipv4.ip_nonlocal_bind=0
rm -rf ${removedPaths.join(' ')} || exit 1
rmdir --ignore-fail-on-non-empty /etc/kubernetes /etc/systemd/journald.conf.d 2>/dev/null
systemctl try-restart systemd-journald.service
for u in haproxy.service keepalived.service; do
  [ "$(readlink ${unitFolder}/$u)" = /dev/null ] && { systemctl unmask -q $u; systemctl disable -q $u 2>/dev/null; }
done
${endPodNetworkScript}
${restoreContainerdScript}
rm -rf ${configFolder} || exit 1
find ${stateFolder} -mindepth 1 ! -name 'lock*' -delete || exit 1
sync
echo destroyed
`;
}

/** After the lock was given back: its folder, unless somebody has taken it meanwhile. */
export const forgetLockScript = `[ -d ${stateFolder} ] || exit 0
exec 9> ${stateFolder}/lock.guard; flock 9
[ -e ${stateFolder}/lock ] || { rm -f ${stateFolder}/lock.guard ${stateFolder}/lock.step; rmdir ${stateFolder} 2>/dev/null; }
true`;

/** Where etcd's data was put aside, by restores that were cut too: beside its folder, and in it where that is a file system of its own. */
const copies = [
  ...['aside-*', 'before-restore-*', 'restoring', 'kubekeep-destroyed-*'].map((name) => `${etcdDataFolder}.${name}`),
  ...['before-restore-*', 'restoring', 'etcd.aside-*', 'etcd.kubekeep-destroyed-*'].map((name) => `${etcdDataFolder}/${name}`),
].join(' ');

/**
 * What is there of etcd's data in the end, from now or before, is named, or all of it is removed.
 * @internal
 */
export function etcdDataScript(purge: boolean, aside: string): string {
  if (purge) return `if mountpoint -q ${etcdDataFolder}; then rm -rf ${etcdDataFolder}/member; else rm -rf ${etcdDataFolder}; fi || exit 1
rm -rf ${copies} || exit 1`;
  return `if [ -d ${etcdDataFolder}/member ]; then
${setAsideScript(aside)}
else rmdir ${etcdDataFolder} 2>/dev/null; fi
for K in ${copies}; do [ ! -e "$K" ] || echo "kept $K"; done`;
}
