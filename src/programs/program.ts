/** The programs that kubekeep puts on hosts or uses itself, and CoreDNS, of which labs make an image. */
export const programNames = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kubeadm',
  'kubelet',
  'kube-proxy',
  'etcd',
  'etcdctl',
  'etcdutl',
  'coredns',
] as const;
export type ProgramName = (typeof programNames)[number];

export const platforms = ['linux-amd64', 'linux-arm64'] as const;
export type Platform = (typeof platforms)[number];

/** Programs of one family are released together and share a version. */
export type ProgramFamily = 'kubernetes' | 'etcd' | 'coredns';

export interface Program {
  readonly name: ProgramName;
  /** Without the leading v, for example 1.37.2. */
  readonly version: string;
  readonly platform: Platform;
}

/** A program whose file lies in the cache and has the SHA-256 that stands here. */
export interface CachedProgram extends Program {
  /** Absolute path of the executable file. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** What is used where no cluster file says otherwise; of CoreDNS the version that kubeadm of that Kubernetes installs. */
export const defaultVersions: Readonly<Record<ProgramFamily, string>> = { kubernetes: '1.37.2', etcd: '3.7.3', coredns: '1.14.6' };

export function familyOf(name: ProgramName): ProgramFamily {
  return name === 'coredns' ? 'coredns' : name.startsWith('etcd') ? 'etcd' : 'kubernetes';
}

/** All that clusters may need on hosts or here: CoreDNS comes to them as an image of their registry. */
export const usualPrograms: readonly ProgramName[] = programNames.filter((name) => name !== 'coredns');

export function isProgramName(word: string): word is ProgramName {
  return programNames.some((name) => name === word);
}

/** The platform of a Node architecture (`process.arch`); undefined where there are no programs for it. */
export function platformOf(architecture: string): Platform | undefined {
  return { x64: 'linux-amd64', arm64: 'linux-arm64' }[architecture] as Platform | undefined;
}

/** "kube-apiserver 1.37.2 (linux-amd64)", for sentences. */
export function describeProgram({ name, version, platform }: Program): string {
  return `${name} ${version} (${platform})`;
}
