import { isNode } from '../cluster/cluster.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { configFolder, containerdDropIn } from './paths.ts';

const config = `${configFolder}/containerd.toml`;
/** Of kubeadm 1.37. */
const pauseVersion = '3.10.2';

/** containerd of the distribution with a configuration of ours: its own file is left as it is, so that the package can be upgraded. */
export function renderContainerd(input: RenderInput): ComponentDesign | undefined {
  if (!isNode(input.host)) return undefined;
  const file = (path: string, content: string) => ({ path, content, mode: 0o644, owner: 'root:root' });
  return {
    name: 'containerd',
    unit: 'containerd.service',
    programs: {},
    files: [file(config, containerdConfig(input)), file(containerdDropIn, dropIn)],
    onChange: 'restart',
  };
}

/** Version 2 is read by containerd 1.6 and 1.7 of Debian 12 and 13 alike. A user's registries go to certs.d, which needs no restart. */
function containerdConfig({ cluster: { kubernetes, networks }, facts: { containers } }: RenderInput): string {
  const { cgroups, nested } = containers;
  return `# Managed by kubekeep.
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${kubernetes.imageRepository}/pause:${pauseVersion}"
${nested ? '  # This host is a container, which may not lower what the kernel kills last.\n  restrict_oom_score_adj = true\n' : ''}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${networks.cni === 'bridge' ? '/usr/lib/cni' : '/opt/cni/bin'}"
    conf_dir = "/etc/cni/net.d"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = ${cgroups === 2}
${nested ? '      NoNewKeyring = true\n' : ''}`;
}

const dropIn = `# Managed by kubekeep.
[Service]
ExecStart=
ExecStart=/usr/bin/containerd --config ${config}
`;
