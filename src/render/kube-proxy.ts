import { isNode, publicEndpoint, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { authorityFile, leafFiles } from './_pki-files.ts';
import { commandLine, unitFile, unitMode } from './_unit-file.ts';
import { toYaml } from './_yaml.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { clientTimeouts } from './kube-controller-manager.ts';
import { kubeconfig } from './kubeconfig.ts';
import { configFolder, pkiFolder, programPath, unitFolder } from './paths.ts';

const unit = 'kube-proxy.service';
const config = `${configFolder}/kube-proxy.yaml`;
const access = `${configFolder}/kube-proxy.conf`;

/** kube-proxy as a unit like every other component (docs/decisions/0033): no image, and the certificate is renewed like the others. */
export function renderKubeProxy(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host } = input;
  if (!isNode(host)) return undefined;
  const program = programPath('kube-proxy', cluster.kubernetes.version);
  const file = (path: string, content: string, mode = 0o600) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'kube-proxy',
    unit,
    programs: { 'kube-proxy': program },
    files: [
      authorityFile(input, 'kubernetes', 'ca.crt'),
      ...leafFiles(input, ['kube-proxy']),
      file(access, proxyKubeconfig(cluster)),
      file(config, toYaml(configuration(input))),
      file(`${unitFolder}/${unit}`, proxyUnit(program, host), unitMode),
    ],
    onChange: 'restart',
  };
}

function proxyKubeconfig(cluster: Cluster): string {
  return kubeconfig({
    cluster: cluster.name,
    server: `https://${publicEndpoint(cluster)}`,
    authority: { file: `${pkiFolder}/ca.crt` },
    user: 'system:kube-proxy',
    credentials: { certificateFile: `${pkiFolder}/kube-proxy.crt`, keyFile: `${pkiFolder}/kube-proxy.key` },
  });
}

function configuration({ cluster, facts }: RenderInput): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig: access },
    clusterCIDR: cluster.networks.pods,
    // The table of connections belongs to the computer that the container is on.
    ...(facts.containers.nested && { conntrack: { maxPerCore: 0 } }),
  };
}

/** It changes the host's packet filter and kernel settings of the network, and needs no more. */
function proxyUnit(program: string, host: HostSpec): string {
  return unitFile({
    Unit: { Description: 'Kubernetes kube-proxy (kubekeep)', After: 'network-online.target', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      ExecStart: commandLine(program, { 'config': config, 'hostname-override': host.name }),
      Environment: clientTimeouts,
      Restart: 'always',
      RestartSec: 1,
      LimitCORE: 0,
      LimitNOFILE: 65536,
      NoNewPrivileges: 'yes',
      PrivateTmp: 'yes',
      ProtectHome: 'yes',
      UMask: '0077',
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}
