import { globSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnvironment } from '../../src/cli/env.ts';
import type { Host } from '../../src/hosts/host.ts';
import { sshHost } from '../../src/hosts/ssh.ts';
import { createLab } from '../../src/lab/create-lab.ts';
import { destroyLab } from '../../src/lab/destroy-lab.ts';
import { loginOf, type Lab } from '../../src/lab/lab.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { fetchPrograms } from '../../src/programs/fetch-programs.ts';
import { writeImage } from '../../src/programs/images/container-image.ts';
import { sha256OfFile } from '../../src/programs/_sha256-of-file.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';
import { podPackages } from '../../src/programs/images/lab-images.ts';
import { defaultVersions, platformOf, type CachedProgram, type Platform } from '../../src/programs/program.ts';

/** A cluster made by the real kubeadm on machines of a lab, with containerd, a kubelet and static pods: kubekeep has no part in it. */
export interface KubeadmCluster extends AsyncDisposable {
  readonly lab: Lab;
  /** A shell script on a machine; its standard output. Throws where it fails. */
  run(machine: string, script: string, timeout?: number): Promise<string>;
  /** Lets another machine join the control plane. */
  join(machine: string): Promise<void>;
  /** Copies what backups need of kubeadm's PKI into a folder: three files of /etc/kubernetes/pki/etcd. */
  copyEtcdAccess(folder: string): Promise<void>;
}

const { cacheFolder, runtimeFolder } = readEnvironment();
const versions = { ...defaultVersions, pause: '3.10.2' };
/** Of names that no registry has, so that nothing can be taken for the official images. */
const repository = 'kubeadm.test';
const onMachines = ['kubeadm', 'kubelet', 'kubectl'] as const;
const inPods = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const;
const minutes = 60_000;

/** `kubeadm init` on the first machine. */
export async function kubeadmCluster(name: string, machines: readonly string[]): Promise<KubeadmCluster> {
  const directory = await mkdtemp(join('/var/tmp', `kubekeep-${name}-`));
  const image = await ensureImage({ release: 'trixie', packages: podPackages, cacheFolder, progress: silent, clock: systemClock });
  const lab = await createLab({ name, directory, image, machines: machines.map((one) => ({ name: one, kind: 'pods' })), runtimeFolder, progress: silent, raiseLimits: true });
  const hosts = new Map(lab.machines.map((machine) => [machine.name, sshHost({ name: machine.name, ...loginOf(lab, machine) }, { folder: join(runtimeFolder, 'ssh'), knownHosts: '/nowhere' })]));
  const run = async (machine: string, script: string, timeout = minutes) => {
    const { exitCode, stdout, stderr } = await hosts.get(machine)!.run(script, { timeout });
    if (exitCode !== 0) throw new Error(`${machine}: exit code ${exitCode}: ${stderr.slice(-2000)}${stdout.slice(-1000)}`);
    return stdout;
  };
  const cluster: KubeadmCluster = {
    lab, run,
    async join(machine) {
      const key = (await run(machines[0]!, 'kubeadm init phase upload-certs --upload-certs | tail -n 1', minutes)).trim();
      const command = (await run(machines[0]!, `kubeadm token create --print-join-command --certificate-key ${key}`)).trim();
      await run(machine, `${command} ${ignored} --cri-socket unix:///run/containerd/containerd.sock`, 5 * minutes);
    },
    async copyEtcdAccess(folder) {
      await mkdir(folder, { recursive: true });
      for (const file of ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key']) await writeFile(join(folder, file), await run(machines[0]!, `cat /etc/kubernetes/pki/etcd/${file}`), { mode: 0o600 });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...hosts.values()].map((host) => host.close()));
      await destroyLab(name, { runtimeFolder, progress: silent });
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    const images = await makeImages(directory, image);
    await Promise.all(lab.machines.map(({ name: one, address }) => prepare(hosts.get(one)!, run, { images, address, first: machines[0]! })));
    await run(machines[0]!, `kubeadm init --config /etc/kubeadm.yaml ${ignored}`, 5 * minutes);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** It would refuse the first version of cgroups, which is what some computers with labs have, and to do without images of kube-proxy and CoreDNS, which nothing here needs. */
const ignored = '--ignore-preflight-errors=SystemVerification,ImagePull';

/** The programs that kubekeep would run as units, each as the one file of an image. */
async function makeImages(directory: string, root: string): Promise<readonly string[]> {
  const folder = join(directory, 'archives');
  await mkdir(folder);
  const programs = await programsFor(inPods);
  const library = (pattern: string) => globSync(join(root, 'usr/lib/*-linux-gnu', pattern))[0]!;
  const [libc, loader] = [library('libc.so.6'), library('ld-linux-*.so.*')];
  const loaderName = loader.split('/').at(-1)!;
  const images = [
    ...programs.map(({ name, version, path }) => ({ name: `${repository}/${name}:${name === 'etcd' ? version : `v${version}`}`, files: { [`usr/local/bin/${name}`]: path }, entrypoint: [name] })),
    { name: `${repository}/pause:${versions.pause}`, files: { 'usr/bin/sleep': join(root, 'usr/bin/sleep'), 'lib/libc.so.6': libc, [`lib/${loaderName}`]: loader, [`lib64/${loaderName}`]: loader }, entrypoint: ['/usr/bin/sleep', 'infinity'] },
  ];
  return Promise.all(images.map(async (one, number) => {
    const path = join(folder, `${number}.tar`);
    await writeImage(path, one);
    return path;
  }));
}

function programsFor(names: readonly ((typeof onMachines)[number] | (typeof inPods)[number])[]): Promise<readonly CachedProgram[]> {
  const wanted = names.map((name) => ({ name, version: name === 'etcd' ? versions.etcd : versions.kubernetes, platform: platformOf(process.arch) as Platform }));
  return fetchPrograms(wanted, { source: { source: 'auto' }, cacheFolder, progress: silent, clock: systemClock, signal: new AbortController().signal });
}

interface Preparing {
  readonly images: readonly string[];
  readonly address: string;
  /** Machine whose API server all know by name. */
  readonly first: string;
}

/** What a host must have before kubeadm is run on it. */
async function prepare(host: Host, run: KubeadmCluster['run'], { images, address, first }: Preparing): Promise<void> {
  await readyForKubeadm(host, { pause: `${repository}/pause:${versions.pause}` });
  await host.write([{ path: '/etc/kubeadm.yaml', content: kubeadmConfig(host.name, address, first), mode: 0o644 }]);
  for (const source of images) {
    const target = '/var/lib/containerd/image.tar';
    await host.upload({ source, target, mode: 0o600, sha256: await sha256OfFile(source) }, { timeout: 5 * minutes });
    await run(host.name, `ctr --namespace k8s.io image import ${target} && rm ${target}`, 5 * minutes);
  }
}

/** A machine of kind `pods` as one is on which the packages of Kubernetes were installed. `flags`: more of the kubelet. */
export async function readyForKubeadm(host: Host, { pause, flags = '' }: { readonly pause: string; readonly flags?: string }): Promise<void> {
  for (const { name, path, sha256 } of await programsFor(onMachines)) await host.upload({ source: path, target: `/usr/local/bin/${name}`, mode: 0o755, sha256 });
  await host.write([
    { path: '/etc/systemd/system/kubelet.service', content: unit(`EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nExecStart=/usr/local/bin/kubelet ${kubeletFlags} ${flags}\nRestart=always\nRestartSec=2`), mode: 0o644 },
    { path: '/etc/containerd/config.toml', content: containerdConfig(pause), mode: 0o644 },
  ]);
  const { exitCode, stderr } = await host.run('systemctl daemon-reload && systemctl restart containerd && systemctl enable -q kubelet', { timeout: minutes });
  if (exitCode !== 0) throw new Error(`${host.name}: ${stderr}`);
}

function unit(service: string): string {
  return `[Service]\n${service}\n\n[Install]\nWantedBy=multi-user.target\n`;
}

const kubeletFlags = '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS';

const containerdConfig = (pause: string) => `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      NoNewKeyring = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
`;

function kubeadmConfig(name: string, address: string, first: string): string {
  return `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: { advertiseAddress: ${address} }
nodeRegistration: { name: ${name}, criSocket: "unix:///run/containerd/containerd.sock", imagePullPolicy: Never }
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v${versions.kubernetes}
imageRepository: ${repository}
controlPlaneEndpoint: ${first}:6443
etcd: { local: { imageTag: ${versions.etcd} } }
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failCgroupV1: false
oomScoreAdj: 0
resolvConf: ""
evictionHard: { memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1% }
`;
}
