import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import type { Lab, LabMachine } from './lab.ts';
import { attempt, tool } from './_tool.ts';

/** A machine's disk: the shared image below, its own changes above. The mount's source names the machine, so that it is found by that. */
export async function mountDisk(lab: Lab, machine: LabMachine): Promise<void> {
  const { root, upper, work } = diskFolders(lab, machine);
  if (await isMounted(root)) return;
  for (const folder of [root, upper, work]) await mkdir(folder, { recursive: true, mode: 0o755 });
  await tool('mount', ['-t', 'overlay', machine.machineId, '-o', `lowerdir=${lab.image},upperdir=${upper},workdir=${work}`, root]);
}

/** Unmounts it, also where it was mounted more than once or is busy for a moment. */
export async function unmountDisk(lab: Lab, machine: LabMachine): Promise<void> {
  await unmount(diskFolders(lab, machine).root);
}

export async function unmount(folder: string): Promise<void> {
  for (let turn = 0; await isMounted(folder); turn += 1) {
    const { exitCode, stderr } = await attempt('umount', turn < 100 ? [folder] : ['--lazy', folder]);
    if (exitCode === 0) continue;
    if (turn > 105) throw new KubekeepError('lab-failed', `${folder} cannot be unmounted: ${stderr.trim()}`);
    await sleep(30);
  }
}

/** What a machine needs before its first boot: identity, network, and a root login by key only. */
export async function seedDisk(lab: Lab, machine: LabMachine, keys: { readonly hostKey: string; readonly authorizedKey: string }): Promise<void> {
  const { root } = diskFolders(lab, machine);
  const files: [path: string, content: string, mode?: number][] = [
    ['etc/hostname', `${machine.name}\n`],
    ['etc/machine-id', `${randomBytes(16).toString('hex')}\n`],
    ['etc/hosts', hostsText(lab)],
    ['etc/resolv.conf', '# No name server: the names of the lab are in /etc/hosts.\n'],
    ['etc/systemd/network/10-host0.network', networkText(lab, machine)],
    ['etc/ssh/sshd_config.d/00-kubekeep-lab.conf', sshdText],
    ['etc/ssh/ssh_host_ed25519_key', keys.hostKey, 0o600],
    ['etc/ssh/ssh_host_ed25519_key.pub', `${machine.hostKey}\n`],
    ['root/.ssh/authorized_keys', `${keys.authorizedKey}\n`, 0o600],
  ];
  for (const [path, content, mode = 0o644] of files) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true, mode: path.startsWith('root/') ? 0o700 : 0o755 });
    await rm(target, { force: true });
    await writeFile(target, content, { mode });
  }
  await link('/usr/lib/systemd/system/systemd-networkd.service', join(root, 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service'));
  // The host key is given; making the other kinds would only take time.
  await link('/dev/null', join(root, 'etc/systemd/system/sshd-keygen.service'));
}

export function diskFolders(lab: Pick<Lab, 'directory'>, machine: Pick<LabMachine, 'name'>) {
  const folder = join(lab.directory, 'machines', machine.name);
  return { folder, root: join(folder, 'root'), upper: join(folder, 'upper'), work: join(folder, 'work'), console: join(folder, 'console.log') };
}

export interface Mount {
  readonly source: string;
  readonly target: string;
}

/** What is mounted on this computer, newest last. */
export async function readMounts(): Promise<Mount[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const [before, after] = line.split(' - ');
    return { source: unescape(after!.split(' ')[1]!), target: unescape(before!.split(' ')[4]!) };
  });
}

async function isMounted(folder: string): Promise<boolean> {
  return (await readMounts()).some((mount) => mount.target === folder);
}

/** Spaces and the like stand as octal numbers there. */
function unescape(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

async function link(to: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await symlink(to, path);
}

function hostsText(lab: Lab): string {
  return ['127.0.0.1 localhost', `${lab.gateway} gateway`, ...lab.machines.map(({ address, name }) => `${address} ${name}`), ''].join('\n');
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
