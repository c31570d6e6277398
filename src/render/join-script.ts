import type { Cluster } from '../cluster/cluster.ts';
import { Secret } from '../lib/secret.ts';
import { discoveryFile, joinFile, joinFolder } from './kubeadm.ts';
import { containerdSocket } from './paths.ts';

export interface JoinScript {
  /** PEM of the CA. */
  readonly authority: string;
  readonly token: Secret;
  /** RFC 3339: when the token ends. */
  readonly expires: string;
}

/** What a node that joined so does not get from kubekeep, and where it comes from. A sentence. */
export function joinedMachineNeeds({ networks }: Pick<Cluster, 'networks'>): string {
  return networks.cni === 'bridge'
    ? 'It gets no network for pods and no kube-proxy: networks.cni: bridge serves hosts of the cluster file alone, and its node does not become ready.'
    : 'It gets no kube-proxy from kubekeep: the network plugin has to take its place there, or a DaemonSet for nodes without the label kubekeep.dev/managed brings one.';
}

/** What is run as root on a machine that kubekeep does not manage, to make it a node. What the token is in lies in memory and goes with the script. */
export function joinScript(cluster: Cluster, { authority, token, expires }: JoinScript): Secret {
  const { version } = cluster.kubernetes;
  return new Secret(`#!/bin/sh
# Makes this machine a node of cluster ${cluster.name}. Run it as root there; words after its name go to kubeadm join. Until ${expires} whoever has it can make any machine a node.
# The machine needs kubeadm and a kubelet ${version} (at most three minor versions older) with the systemd unit of its package, and containerd at ${containerdSocket.replace('unix://', '')}.
# ${joinedMachineNeeds(cluster)}
set -eu
umask 077
trap 'rm -rf ${joinFolder}' EXIT
mkdir -p ${joinFolder}
cat > ${joinFolder}/discovery.conf <<'END-OF-FILE'
${discoveryFile(cluster, authority, token).reveal().trimEnd()}
END-OF-FILE
cat > ${joinFolder}/join.yaml <<'END-OF-FILE'
${joinFile(token).reveal().trimEnd()}
END-OF-FILE
kubeadm join --config ${joinFolder}/join.yaml "$@"
`);
}
