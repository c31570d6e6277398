import { nodeHosts, type Cluster, type Networks } from '../cluster/cluster.ts';
import type { ComponentDesign, DesiredFile, RenderInput } from './design.ts';
import { configFolder, programPath, stateFolder } from './paths.ts';

/** What stands under everything else: whose host this is, kernel settings, limits of the journal. */
export function renderSystem({ cluster, host, secrets, sealed, facts }: RenderInput): ComponentDesign {
  const file = (path: string, content: string): DesiredFile => ({ path, content, mode: 0o644, owner: 'root:root' });
  const identity = { cluster: cluster.name, id: secrets.clusterId, virtualRouterId: facts.virtualRouterId, networks: fixedNetworks(cluster) };
  return {
    name: 'system',
    // Tells the cluster how machines join it.
    programs: host.roles.includes('control-plane') && nodeHosts(cluster).length > 0 ? { kubeadm: programPath('kubeadm', cluster.kubernetes.version) } : {},
    files: [
      file(`${configFolder}/cluster.json`, `${JSON.stringify(identity, null, 2)}\n`),
      file('/etc/systemd/journald.conf.d/90-kubekeep.conf', '# Managed by kubekeep.\n[Journal]\nSystemMaxUse=1G\nSystemKeepFree=1G\n'),
      ...(host.roles.includes('control-plane') ? [file(`${stateFolder}/sealed.age`, sealed)] : []),
      ...(host.roles.includes('load-balancer') ? [file('/etc/sysctl.d/90-kubekeep.conf', sysctl)] : []),
    ],
    onChange: 'restart',
  };
}

/** What a cluster is built with and keeps. */
export function fixedNetworks({ networks: { pods, services, dnsDomain } }: Cluster): Pick<Networks, 'pods' | 'services' | 'dnsDomain'> {
  return { pods, services, dnsDomain };
}

const sysctl = `# Managed by kubekeep. HAProxy listens on the VIP also where keepalived does not hold it.
net.ipv4.ip_nonlocal_bind = 1
`;
