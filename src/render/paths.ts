/** Where things lie on a host: kubeadm's layout for Kubernetes' PKI, ours for everything that is kubekeep's. */
export const pkiFolder = '/etc/kubernetes/pki';
export const configFolder = '/etc/kubekeep';
export const stateFolder = '/var/lib/kubekeep';
export const unitFolder = '/etc/systemd/system';
export const etcdDataFolder = '/var/lib/etcd';
/** The record of a restore of the whole cluster, as long as it is not finished; which attempt of which restore etcd's data came from; and the ids of restores that are over, a line each. */
export const restoringNote = `${stateFolder}/restoring`;
export const restoredNote = `${stateFolder}/restored`;
export const endedNote = `${stateFolder}/restores-ended`;

export function programPath(name: string, version: string): string {
  return `/opt/kubekeep/programs/${name}/${version}/${name}`;
}

/** kubekeep itself on hosts that follow the log: a folder for each digest; and what such a host writes. */
export const keeperFolder = '/opt/kubekeep/keeper';
export const keeperUnit = 'kubekeep-keeper.service';
export const keeperStateFolder = '/var/lib/kubekeep-keeper';
export const keeperMetrics = '/run/kubekeep-keeper/kubekeep.prom';

/** Where a unit finds a file that systemd handed to it with LoadCredential. */
export function credentialPath(unit: string, credential: string): string {
  return `/run/credentials/${unit}/${credential}`;
}

/** What a node has of the distribution's containerd, of its kubelet and of its network. */
export const containerdSocket = 'unix:///run/containerd/containerd.sock';
export const containerdDropIn = `${unitFolder}/containerd.service.d/50-kubekeep.conf`;
export const kubeletFolder = '/var/lib/kubelet';
export const kubeletConfig = `${configFolder}/kubelet.yaml`;
export const kubeletKubeconfig = '/etc/kubernetes/kubelet.conf';
export const cniConfig = '/etc/cni/net.d/10-kubekeep.conflist';
export const podNetworkUnit = 'kubekeep-pod-network.service';
export const podNetworkScript = `${configFolder}/pod-network.sh`;

/** The second HAProxy, in front of services, and the keepalived of their VIPs. */
export const servicesFolder = `${configFolder}/services`;
export const servicesUnit = 'kubekeep-services.service';
export const servicesSocket = '/run/kubekeep-services/haproxy.sock';
export const serviceVipsUnit = 'kubekeep-service-vips.service';
export const serviceVipsConfig = `${servicesFolder}/keepalived.conf`;
export const servicesAliveUnit = 'kubekeep-services-alive.service';
export const servicesGuardUnit = 'kubekeep-services-guard.service';
/** All that the VIPs of services need on a balancer, keepalived's first. */
export const serviceVipsUnits = [serviceVipsUnit, servicesAliveUnit, servicesGuardUnit] as const;
/** What somebody wants of services' servers by `kubekeep lb`. */
export const byHandFile = `${stateFolder}/services/by-hand.json`;

/** What says how busy a host is, to whoever connects to the port. */
export const loadAgentPort = 9732;
export const loadAgentUnit = 'kubekeep-load.socket';
/** For each connection. */
export const loadAgentTemplate = 'kubekeep-load@.service';

/** kubekeep itself on balancers, where weights follow the load or node ports are followed; and what takes its steering back when it ends. */
export const steerUnit = 'kubekeep-steer.service';
export const undoFile = '/run/kubekeep-steer/undo';
