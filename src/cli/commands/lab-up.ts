import { Option, type Command } from 'commander';
import { relative, resolve } from 'node:path';
import { isNode } from '../../cluster/cluster.ts';
import { exampleClusterFile } from '../../cluster/example-file.ts';
import { describeHosts, describeWorkers, topologies, topologyTitles, type DescribedHost, type Topology } from '../../cluster/topologies.ts';
import { createLab } from '../../lab/create-lab.ts';
import { identityFile, type Lab } from '../../lab/lab.ts';
import { installTools, missingTools, packageLine, toolsFor, type LabTool } from '../../lab/packages.ts';
import { checkRights, preflight } from '../../lab/preflight.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { fetchPrograms } from '../../programs/fetch-programs.ts';
import { ensureImage } from '../../programs/images/ensure-image.ts';
import { releases, type Release } from '../../programs/images/image-recipe.ts';
import { labRepository, podPackages, writeLabImages } from '../../programs/images/lab-images.ts';
import { defaultVersions, type CachedProgram } from '../../programs/program.ts';
import type { Cli } from '../cli.ts';
import { thisPlatform } from '../this-platform.ts';

export interface LabUpOptions {
  readonly topology: Topology;
  /** Machines that run pods, beside those of the topology. */
  readonly workers?: number | undefined;
  /** Hosts of the control plane are nodes too. */
  readonly kubelets?: boolean | undefined;
  readonly name: string;
  /** Default: a folder of the lab's name below the current one. */
  readonly dir?: string | undefined;
  readonly release: Release;
  /** Installs missing packages without asking. */
  readonly yes?: boolean | undefined;
  readonly raiseLimits?: boolean | undefined;
  /** Disks of their own for the machines: true, or how many GiB. */
  readonly disks?: true | string | undefined;
}

type LabHost = DescribedHost & { readonly kubelet?: true };

/** `lab up`. */
export function addLabUp(group: Command, cli: Cli): void {
  group
    .command('up')
    .description('Make machines on this computer and a cluster file for them. Needs root.')
    .addOption(new Option('--topology <topology>', `which machines: ${topologies.map((one) => `${one} ${topologyTitles[one]}`).join('; ')}`).choices(topologies).default('T3'))
    .option('--workers <count>', 'how many more machines, w1 and so on, run pods', countOf, 0)
    .option('--kubelets', 'hosts of the control plane run pods too, those that tolerate their taint')
    .option('--name <name>', 'name of the lab', 'lab')
    .option('--dir <folder>', 'folder for the disks, keys and cluster.yaml (default: ./NAME)')
    .addOption(new Option('--release <release>', 'Debian release of the machines').choices(releases).default('trixie'))
    .option('--disks [size]', 'give every machine a disk of its own of so many GiB, for disk faults and power cuts that lose what was not synced (default: 4)')
    .option('--raise-limits', 'raise limits of this computer that are too low, until the last lab is down')
    .option('--yes', 'install missing packages of this computer without asking')
    .action(async (options: LabUpOptions) => {
      const lab = await labUp(options, cli);
      const next = `kubekeep apply --file ${clusterFile(lab)}`;
      const machines = lab.machines.map(({ name, address }) => ({ name, address }));
      cli.print({
        kind: 'Lab',
        data: { name: lab.name, directory: lab.directory, clusterFile: clusterFile(lab), machines, next },
        text: [`lab ${lab.name} is up in ${lab.directory}: ${machines.map(({ name, address }) => `${name} ${address}`).join(', ')}`, `next: ${next}`].join('\n'),
      });
    });
}

/** Everything `lab up` does, for the demo too: packages, image, machines, cluster file. */
export async function labUp({ topology, workers = 0, kubelets = false, name, dir, release, yes = false, raiseLimits = false, disks }: LabUpOptions, cli: Cli): Promise<Lab> {
  const { progress, signal, clock, environment } = cli;
  const hosts: readonly LabHost[] = [...describeHosts(topology).map((host) => (kubelets && host.roles.includes('control-plane') ? { ...host, kubelet: true as const } : host)), ...describeWorkers(workers)];
  const pods = hosts.some(isNode);
  const directory = resolve(dir ?? name);
  const diskSize = disks === undefined ? undefined : bytesOf(disks);
  await checkRights();
  const tools = toolsFor({ diskSize });
  await ensureTools(tools, yes, cli);
  const shared = { directory, machines: hosts.map((host) => ({ name: host.name, kind: isNode(host) ? 'pods' as const : 'plain' as const })), diskSize, runtimeFolder: environment.runtimeFolder, raiseLimits };
  // Before the image too, which takes a minute the first time.
  await preflight(shared);
  const image = await ensureImage({ release, packages: pods ? podPackages : [], cacheFolder: environment.cacheFolder, progress, clock, signal });
  const coredns = pods ? await fetchCoredns(yes, cli) : undefined;
  return createLab({
    ...shared, name, image, progress, signal,
    files: (lab) => ({ 'cluster.yaml': clusterFileText(lab, topology, hosts) }),
    images: coredns && ((folder) => writeLabImages(folder, image, coredns)),
    alsoRemove: ['.kubekeep'],
  });
}

/** The one that kubeadm of our Kubernetes installs: the lab makes an image of it. */
async function fetchCoredns(yes: boolean, { environment, progress, clock, signal, confirm }: Cli): Promise<CachedProgram> {
  const wanted = { name: 'coredns', version: defaultVersions.coredns, platform: thisPlatform() } as const;
  const [found] = await fetchPrograms([wanted], { source: { source: 'auto' }, cacheFolder: environment.cacheFolder, progress, clock, signal, confirm: environment.interactive && !yes ? confirm : undefined });
  return found!;
}

function clusterFile(lab: Lab): string {
  return `${lab.directory}/cluster.yaml`;
}

function clusterFileText(lab: Lab, topology: Topology, hosts: readonly LabHost[]): string {
  const described = new Map(hosts.map((host) => [host.name, host]));
  return exampleClusterFile({
    name: lab.name,
    title: [`Lab ${lab.name}, made by kubekeep lab up --topology ${topology}; kubekeep lab down --name ${lab.name} removes it and this file.`],
    vip: `${lab.gateway.replace(/\.1$/, '.100')}/24`,
    backup: { repository: 'backups' },
    ...(hosts.some(isNode) && { imageRepository: labRepository }),
    ssh: { user: 'root', identity: relative(lab.directory, identityFile(lab)) },
    hosts: lab.machines.map(({ name, address, hostKey }) => ({ ...described.get(name)!, name, address, ssh: { hostKey } })),
  });
}

/** Throws `usage`. */
function countOf(text: string): number {
  if (/^\d$/.test(text)) return Number(text);
  throw new KubekeepError('usage', `--workers wants a number from 0 to 9, not "${text}"`);
}

/** Throws `usage`. A control-plane machine writes about 1 GiB: mostly programs. */
function bytesOf(disks: true | string): number {
  if (disks === true) return 4 * 2 ** 30;
  const [, gibibytes] = /^(\d{1,4})(?:G|GiB)?$/.exec(disks) ?? [];
  if (Number(gibibytes) >= 2) return Number(gibibytes) * 2 ** 30;
  throw new KubekeepError('usage', `--disks wants a whole number of GiB from 2, not "${disks}"`);
}

async function ensureTools(tools: readonly LabTool[], yes: boolean, cli: Cli): Promise<void> {
  const missing = await missingTools(tools);
  if (missing.length === 0) return;
  const names = [...new Set(missing.map((tool) => tool.package))].join(', ');
  if (yes) cli.progress({ type: 'note', title: `the lab needs packages that are not installed: ${names}` });
  else if (!(await cli.confirm(`The lab needs packages that are not installed: ${names}. Install them now?`))) {
    throw new KubekeepError('tool-missing', `the lab needs packages that are not installed: ${names}`, { hint: `${packageLine(missing)}, or kubekeep lab up --yes.` });
  }
  await installTools(missing, cli);
}
