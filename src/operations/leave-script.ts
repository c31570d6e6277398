import { cniConfig, configFolder, containerdDropIn, containerdSocket, kubeletConfig, kubeletFolder, kubeletKubeconfig, pkiFolder, podNetworkScript, podNetworkUnit, unitFolder } from '../render/paths.ts';
import { podTable, routeProtocol } from '../render/pod-network.ts';
import { lockGuard } from './lock.ts';

const containerdConfig = `${configFolder}/containerd.toml`;

/**
 * A volume that is still mounted there is somebody's data, which may lie on the same file system: kubeadm unmounts in a namespace of its own, and may not have come so far. Exit 1 where one stays.
 * @internal
 */
export const detachVolumes = `D=$(readlink -f ${kubeletFolder})
  volumes() { awk -v d="$D/" 'index($2, d) == 1 { print $2 }' /proc/self/mounts; }
  volumes | sort -r | while read -r m; do umount -l "$(printf '%b' "$m")" 2> /dev/null; done
  [ -z "$(volumes)" ] || { echo "volumes are still mounted below $D" >&2; exit 1; }`;

/**
 * A node leaves by the phase of `kubeadm reset` that ends its containers and takes away what they had. That phase takes all of Kubernetes off a host, the PKI too, and
 * the one before it empties etcd's folder: so it is this one alone, and it sees an empty folder in the place of /etc/kubernetes. What kube-proxy has put into the packet
 * filter goes with it.
 */
export const endKubeletScript = `if grep -qs '(kubekeep)' ${unitFolder}/kubelet.service; then
  for p in /opt/kubekeep/programs/kubeadm/*/kubeadm; do K=$p; done
  for p in /opt/kubekeep/programs/kube-proxy/*/kube-proxy; do P=$p; done
  systemctl stop kube-proxy.service 2>/dev/null
  [ -x "$K" ] && timeout 100 unshare --mount sh -c 'mount -t tmpfs tmpfs /etc/kubernetes && exec "$0" reset phase cleanup-node --cri-socket ${containerdSocket}' "$K" > /dev/null 2>&1
  systemctl disable -q --now kubelet.service 2>/dev/null
  [ -x "$P" ] && timeout 20 "$P" --cleanup > /dev/null 2>&1
  # Chains of the kubelet and of the plugin that opens host ports.
  for p in iptables ip6tables; do command -v $p > /dev/null && $p-save 2>/dev/null | grep -v -e KUBE- -e CNI- | $p-restore 2>/dev/null; done
  ${detachVolumes}
  rm -rf --one-file-system ${kubeletFolder}/* ${kubeletKubeconfig} /etc/kubernetes/bootstrap-kubelet.conf /etc/kubernetes/manifests /var/lib/cni /var/log/pods /var/log/containers
  rm -f ${unitFolder}/kubelet.service
fi`;

const endBridge = `ip link del cni0 2>/dev/null
  command -v nft > /dev/null && nft delete table ip ${podTable} 2>/dev/null`;

/** What a unit that is gone has put into the kernel. */
export const endPodNetworkScript = `if [ -f ${podNetworkScript} ]; then
  ip route flush proto ${routeProtocol} 2>/dev/null
  ${endBridge}
fi`;

/** The distribution's containerd runs as it did before. */
export const restoreContainerdScript = `if [ -f ${containerdConfig} ]; then
  rm -f ${containerdDropIn}; rmdir $(dirname ${containerdDropIn}) 2>/dev/null
  systemctl daemon-reload; systemctl restart containerd.service
fi`;

/** Takes a node off a host that has other things to do: nothing of them is touched. What says that it was one goes last: cut anywhere, the script is run again and goes on. */
export function leaveNodeScript(token: string): string {
  return `${lockGuard(token)}
${endKubeletScript}
if grep -qs '(kubekeep)' ${unitFolder}/kube-proxy.service; then systemctl disable -q --now kube-proxy.service; rm -f ${unitFolder}/kube-proxy.service; fi
${restoreContainerdScript}
${endBridge}
rm -f ${cniConfig} ${pkiFolder}/kube-proxy.crt ${pkiFolder}/kube-proxy.key ${configFolder}/kube-proxy.* ${containerdConfig} || exit 1
systemctl daemon-reload; systemctl reset-failed kubelet.service kube-proxy.service 2>/dev/null
rm -f ${kubeletConfig} && sync ${configFolder}`;
}

/** Takes the routes to pods off a host, when there is no node any more. */
export function leavePodNetworkScript(token: string): string {
  return `${lockGuard(token)}
systemctl disable -q --now ${podNetworkUnit} 2>/dev/null
${endPodNetworkScript}
rm -f ${unitFolder}/${podNetworkUnit} && systemctl daemon-reload && rm -f ${podNetworkScript}`;
}
