import { addressInNetwork, isNode, publicEndpoint, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { authorityFile } from './_pki-files.ts';
import { commandLine, unitFile, unitMode } from './_unit-file.ts';
import { toYaml } from './_yaml.ts';
import type { ComponentDesign, ContainerFacts, RenderInput } from './design.ts';
import { clientTimeouts } from './kube-controller-manager.ts';
import { kubeconfig } from './kubeconfig.ts';
import { containerdSocket, kubeletConfig, kubeletFolder, kubeletKubeconfig, pkiFolder, programPath, unitFolder } from './paths.ts';

const unit = 'kubelet.service';
/** On nodes that are hosts of the cluster file: others are not asked about. */
export const managedLabel = 'kubekeep.dev/managed';
/** Of nodes that are hosts of the control plane: the label that says so, and the key of the taint that keeps usual pods away. */
export const controlPlaneKey = 'node-role.kubernetes.io/control-plane';
/** Both in one file; the kubelet renews it. */
const certificate = `${kubeletFolder}/pki/kubelet-client-current.pem`;

/**
 * A kubelet with kubekeep's configuration. Its certificates are its own: the first came with `kubeadm join`. kubeadm is there for the join and for
 * leaving the cluster, kubectl for whoever looks around.
 */
export function renderKubelet(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host, facts } = input;
  if (!isNode(host)) return undefined;
  const { version } = cluster.kubernetes;
  const file = (path: string, content: string, mode = 0o600) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'kubelet',
    unit,
    programs: Object.fromEntries(['kubelet', 'kubeadm', 'kubectl'].map((name) => [name, programPath(name, version)])),
    files: [
      authorityFile(input, 'kubernetes', 'ca.crt'),
      file(kubeletConfig, toYaml({ ...kubeletConfiguration(cluster, facts.containers), ...taints(host) })),
      file(kubeletKubeconfig, ownKubeconfig(cluster, host)),
      file(`${unitFolder}/${unit}`, kubeletUnit(programPath('kubelet', version), host), unitMode),
    ],
    onChange: 'restart',
  };
}

/** Kubernetes 1.37. Also what kubeadm hands to machines that kubekeep does not manage. */
export function kubeletConfiguration({ networks }: Cluster, { cgroups, nested, resolvConf }: ContainerFacts): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: `${pkiFolder}/ca.crt` } },
    authorization: { mode: 'Webhook' },
    cgroupDriver: cgroups === 2 ? 'systemd' : 'cgroupfs',
    ...(cgroups === 1 && { failCgroupV1: false }),
    clusterDNS: [addressInNetwork(networks.services, 10)],
    clusterDomain: networks.dnsDomain,
    containerRuntimeEndpoint: containerdSocket,
    // A host may have swap; its pods do not use it.
    failSwapOn: false,
    ...(nested && { oomScoreAdj: 0 }),
    readOnlyPort: 0,
    resolvConf,
    rotateCertificates: true,
    // Approved by apply, which compares names and addresses with the cluster file.
    serverTLSBootstrap: true,
    tlsMinVersion: 'VersionTLS13',
  };
}

/** From its first moment on: a taint that came later would find pods there. */
function taints({ roles }: HostSpec): object {
  return roles.includes('control-plane') ? { registerWithTaints: [{ key: controlPlaneKey, effect: 'NoSchedule' }] } : {};
}

/** What kubeadm would write, but with the endpoint of the cluster file also when that changes. */
function ownKubeconfig(cluster: Cluster, host: HostSpec): string {
  return kubeconfig({
    cluster: cluster.name,
    server: `https://${publicEndpoint(cluster)}`,
    authority: { file: `${pkiFolder}/ca.crt` },
    user: `system:node:${host.name}`,
    credentials: { certificateFile: certificate, keyFile: certificate },
  });
}

/** It is root and makes containers, so nothing of the host can be kept from it. */
function kubeletUnit(program: string, host: HostSpec): string {
  const flags = {
    'bootstrap-kubeconfig': '/etc/kubernetes/bootstrap-kubelet.conf',
    'config': kubeletConfig,
    'hostname-override': host.name,
    'kubeconfig': kubeletKubeconfig,
    'node-ip': host.address,
    'node-labels': `${managedLabel}=true`,
  };
  return unitFile({
    Unit: { Description: 'Kubernetes kubelet (kubekeep)', After: 'network-online.target containerd.service', Wants: 'network-online.target containerd.service', StartLimitIntervalSec: 0 },
    Service: { ExecStart: commandLine(program, flags), Environment: clientTimeouts, Restart: 'always', RestartSec: 1, LimitCORE: 0, UMask: '0027' },
    Install: { WantedBy: 'multi-user.target' },
  });
}
