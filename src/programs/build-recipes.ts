import { fileURLToPath } from 'node:url';
import type { ProgramFamily, ProgramName } from './program.ts';

/** How a family of programs is compiled from its public Go modules. go.mod and go.sum in `folder` pin every byte that goes in. */
export interface BuildRecipe {
  readonly folder: string;
  readonly packages: Partial<Readonly<Record<ProgramName, string>>>;
  readonly linkerFlags: string;
}

export function buildRecipe(family: ProgramFamily, version: string): BuildRecipe {
  const folder = fileURLToPath(new URL(`../../pins/build/${family}-${version}/`, import.meta.url));
  return { folder, packages: packages[family], linkerFlags: family === 'kubernetes' ? kubernetesLinkerFlags(version) : '-s -w' };
}

const packages: Readonly<Record<ProgramFamily, BuildRecipe['packages']>> = {
  etcd: {
    etcd: 'go.etcd.io/etcd/server/v3',
    etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
    etcdutl: 'go.etcd.io/etcd/etcdutl/v3',
  },
  coredns: { coredns: 'github.com/coredns/coredns' },
  kubernetes: {
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
    'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
    kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    kubeadm: 'k8s.io/kubernetes/cmd/kubeadm',
    kubelet: 'k8s.io/kubernetes/cmd/kubelet',
    'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  },
};

/** What the project's own build scripts stamp into the programs; without it they say v0.0.0 and refuse to work together. */
function kubernetesLinkerFlags(version: string): string {
  const [major, minor] = version.split('.');
  const stamps = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  return ['-s -w', ...packages.flatMap((name) => Object.entries(stamps).map(([key, value]) => `-X ${name}.${key}=${value}`))].join(' ');
}

/** The file name that `go build` gives a package: its last word, a major version left out. */
export function outputName(goPackage: string): string {
  return goPackage.replace(/\/v\d+$/, '').split('/').at(-1)!;
}
