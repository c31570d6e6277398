import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Lab, LabMachine } from './lab.ts';
import { isMounted, unmount } from './_mounts.ts';
import { podFiles, podUnits } from './_pod-machine.ts';
import { mountOwnDisk, pathsOfOwnDisk, unmountOwnDisk, type OwnDiskPaths } from './_own-disk.ts';
import { tool } from './_tool.ts';

/** A machine's disk: the shared image below, its own changes above. The mount's source names the machine, so that it is found by that. */
export async function mountDisk(lab: Lab, machine: LabMachine): Promise<void> {
  const { root, upper, work } = diskFolders(lab, machine);
  if (await isMounted(root)) return;
  await mountChanges(lab, machine);
  for (const folder of [root, upper, work]) await mkdir(folder, { recursive: true, mode: 0o755 });
  await tool('mount', ['-t', 'overlay', machine.machineId, '-o', `lowerdir=${lab.image},upperdir=${upper},workdir=${work}`, root]);
}

/** Only the part that the machine wrote: `upper` and `work` are there afterwards. */
export async function mountChanges(lab: Lab, machine: LabMachine): Promise<void> {
  if (lab.diskSize !== undefined) await mountOwnDisk(lab.diskSize, ownDiskPaths(lab, machine));
}

/** Unmounts it, also where it was mounted more than once or is busy for a moment. */
export async function unmountDisk(lab: Lab, machine: LabMachine): Promise<void> {
  await unmount(diskFolders(lab, machine).root);
  if (lab.diskSize !== undefined) await unmountOwnDisk(ownDiskPaths(lab, machine));
}

/** Whether the machine still has what it wrote. */
export function hasDisk(lab: Lab, machine: LabMachine): boolean {
  return existsSync(lab.diskSize === undefined ? diskFolders(lab, machine).upper : ownDiskPaths(lab, machine).file);
}

/** Takes away everything that the machine wrote. */
export async function emptyDisk(lab: Lab, machine: LabMachine): Promise<void> {
  const { upper, work, pods } = diskFolders(lab, machine);
  await unmountDisk(lab, machine);
  const paths = [pods, ...(lab.diskSize === undefined ? [upper, work] : [ownDiskPaths(lab, machine).file])];
  for (const path of paths) await rm(path, { recursive: true, force: true });
}

/** What a machine needs before its first boot: identity, network, and a root login by key only. */
export async function seedDisk(lab: Lab, machine: LabMachine, keys: { readonly hostKey: string; readonly authorizedKey: string }): Promise<void> {
  const { root } = diskFolders(lab, machine);
  const files: [path: string, content: string, mode?: number][] = [
    ['etc/hostname', `${machine.name}\n`],
    ['etc/machine-id', `${randomBytes(16).toString('hex')}\n`],
    ['etc/hosts', hostsText(lab)],
    ['etc/resolv.conf', resolvText(lab, machine)],
    ['etc/systemd/network/10-host0.network', networkText(lab, machine)],
    ['etc/ssh/sshd_config.d/00-kubekeep-lab.conf', sshdText],
    ['etc/ssh/ssh_host_ed25519_key', keys.hostKey, 0o600],
    ['etc/ssh/ssh_host_ed25519_key.pub', `${machine.hostKey}\n`],
    ['root/.ssh/authorized_keys', `${keys.authorizedKey}\n`, 0o600],
    ...(machine.kind === 'pods' ? podFiles : []).map((file): [string, string, number?] => [...file]),
  ];
  for (const [path, content, mode = 0o644] of files) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true, mode: path.startsWith('root/') ? 0o700 : 0o755 });
    await rm(target, { force: true });
    await writeFile(target, content, { mode });
  }
  await link('/usr/lib/systemd/system/systemd-networkd.service', join(root, 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service'));
  for (const unit of machine.kind === 'pods' ? podUnits : []) await link(`/etc/systemd/system/${unit}`, join(root, 'etc/systemd/system/multi-user.target.wants', unit));
  // The host key is given; making the other kinds would only take time.
  await link('/dev/null', join(root, 'etc/systemd/system/sshd-keygen.service'));
  // An installer syncs too: a machine whose power is cut in its first minute must not come back without a key. Only this disk, never all of them.
  if (lab.diskSize !== undefined) await tool('sync', ['--file-system', ownDiskPaths(lab, machine).disk]);
}

export function diskFolders(lab: Pick<Lab, 'directory' | 'diskSize'>, machine: Pick<LabMachine, 'name' | 'machineId'>) {
  const folder = machineFolder(lab, machine);
  const { bay, disk } = lab.diskSize === undefined ? { bay: folder, disk: folder } : ownDiskPaths(lab, machine);
  return { folder, root: join(bay, 'root'), upper: join(disk, 'upper'), work: join(disk, 'work'), pods: join(folder, 'pods'), console: join(folder, 'console.log') };
}

export function ownDiskPaths(lab: Pick<Lab, 'directory'>, machine: Pick<LabMachine, 'name' | 'machineId'>): OwnDiskPaths {
  return pathsOfOwnDisk(machineFolder(lab, machine), machine.machineId);
}

function machineFolder(lab: Pick<Lab, 'directory'>, machine: Pick<LabMachine, 'name'>): string {
  return join(lab.directory, 'machines', machine.name);
}

async function link(to: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await symlink(to, path);
}

function hostsText(lab: Lab): string {
  return ['127.0.0.1 localhost', `${lab.gateway} gateway`, ...lab.machines.map(({ address, name }) => `${address} ${name}`), ''].join('\n');
}

/** A DNS of pods asks the name servers of its node for other names, and does not start where there are none. */
function resolvText(lab: Lab, { kind }: LabMachine): string {
  return kind === 'pods' ? `# The names of the lab are in /etc/hosts. Nobody has to answer there.\nnameserver ${lab.gateway}\n` : '# No name server: the names of the lab are in /etc/hosts.\n';
}

function networkText(lab: Lab, machine: LabMachine): string {
  return `[Match]
Name=host0

[Link]
MACAddress=${machine.mac}

[Network]
Address=${machine.address}/24
Gateway=${lab.gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
}

const sshdText = `HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
`;
