import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { checkPodFeatures } from './_pod-machine.ts';
import { attempt } from './_tool.ts';
import type { MachineKind } from './lab.ts';
import { inotifyPerMachine, readInotifyLimit } from './limits.ts';
import { readRecords } from './registry.ts';
import { missingTools, packageLine, toolsFor } from './packages.ts';

export interface PreflightOptions {
  readonly directory: string;
  readonly image?: string | undefined;
  readonly machines: readonly { readonly kind?: MachineKind | undefined }[];
  readonly diskSize?: number | undefined;
  readonly runtimeFolder: string;
  readonly raiseLimits?: boolean | undefined;
}

/** Whether this computer can carry the lab, before anything is made. Throws one sentence: `not-root`, `tool-missing`, `lab-unsupported` or `usage`. */
export async function preflight(options: PreflightOptions): Promise<void> {
  await checkRights();
  await checkTools(options);
  await checkDisk(options);
  await checkOwnDisks(options);
  await checkMemory();
  await checkInotify(options);
  await checkFirewall();
  if (options.machines.some(({ kind }) => kind === 'pods')) await checkPodFeatures();
}

/** Root, with the rights to mount and to make network interfaces, which root in an ordinary container has not. */
export async function checkRights(): Promise<void> {
  if (process.getuid?.() !== 0) throw new KubekeepError('not-root', 'the lab needs root on this computer', { hint: 'Run it as root or with sudo.' });
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? 'ffffffffff'}`);
  const lacking = [['CAP_NET_ADMIN', 12n], ['CAP_SYS_ADMIN', 21n]].find(([, bit]) => (effective & (1n << (bit as bigint))) === 0n);
  if (lacking) throw new KubekeepError('lab-unsupported', `root lacks ${lacking[0]} here, so it cannot make lab machines`, { hint: 'This looks like a container: give it --privileged, or use a virtual machine.' });
}

async function checkTools(options: PreflightOptions): Promise<void> {
  const missing = await missingTools(toolsFor(options));
  if (missing.length === 0) return;
  const names = missing.map(({ program }) => program).join(', ');
  throw new KubekeepError('tool-missing', `the lab needs ${names}, which ${missing.length === 1 ? 'is' : 'are'} not installed`, { hint: `${packageLine(missing)}, or kubekeep lab up --yes.` });
}

async function checkDisk({ directory, image }: PreflightOptions): Promise<void> {
  for (const path of [directory, image ?? '/']) {
    if (/[:,\\"\n]/.test(path)) throw new KubekeepError('usage', `${path} cannot be used for a lab: the path has a colon, comma, quote or backslash in it`);
  }
  const overlay = async () => /\boverlay$/m.test(await readFile('/proc/filesystems', 'utf8'));
  if (!(await overlay())) {
    await attempt('modprobe', ['overlay']).catch(() => {});
    if (!(await overlay())) throw new KubekeepError('lab-unsupported', "this computer's kernel has no overlay file system, which the machines' disks need");
  }
  const overlayMagic = 0x794c7630;
  const folder = nearestFolder(directory);
  if ((await statfs(folder)).type === overlayMagic) throw new KubekeepError('lab-unsupported', `${folder} lies on an overlay file system, which cannot carry the machines' disks`, { hint: 'Name a folder on an ordinary disk or a tmpfs with --dir.' });
}

/** The disks take room only as they are written, but a full computer would break what a machine believes to have. */
async function checkOwnDisks({ directory, diskSize, machines }: PreflightOptions): Promise<void> {
  if (diskSize === undefined) return;
  if (!existsSync('/dev/loop-control')) await attempt('modprobe', ['loop']).catch(() => {});
  if (!existsSync('/dev/loop-control')) throw new KubekeepError('lab-unsupported', 'this computer has no loop devices, which disks of their own need', { hint: 'Leave --disks out: most faults can be had without.' });
  const { bavail, bsize } = await statfs(nearestFolder(directory));
  const needed = diskSize * machines.length;
  if (bavail * bsize >= needed) return;
  const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  throw new KubekeepError('lab-unsupported', `${machines.length} disks of ${gibibytes(diskSize)} need ${gibibytes(needed)}, and ${directory} has room for ${gibibytes(bavail * bsize)}`, { hint: 'Name another folder with --dir, or a smaller size with --disks.' });
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

const leastMemory = 4 * 1024 ** 3;

async function checkMemory(): Promise<void> {
  const kibibytes = Number(/^MemAvailable:\s+(\d+)/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1] ?? Infinity);
  if (kibibytes * 1024 >= leastMemory) return;
  throw new KubekeepError('lab-unsupported', `the lab needs 4 GiB of free memory, and this computer has ${(kibibytes / 1024 ** 2).toFixed(1)} GiB`);
}

async function checkInotify({ machines, runtimeFolder, raiseLimits = false }: PreflightOptions): Promise<void> {
  if (raiseLimits) return;
  const running = (await readRecords(runtimeFolder)).reduce((sum, { lab }) => sum + lab.machines.length, 0);
  const all = running + machines.length;
  const limit = await readInotifyLimit();
  if (all * inotifyPerMachine <= limit) return;
  const others = running === 0 ? '' : ` with the ${running} of other labs`;
  throw new KubekeepError('lab-unsupported', `${all} machines${others} need ${all * inotifyPerMachine} inotify instances, and fs.inotify.max_user_instances is ${limit}`, {
    hint: 'kubekeep lab up --raise-limits raises it until the last lab is down.',
  });
}

/** Docker and others send bridged frames through the firewall of routed ones, and drop there what they do not know: machines would not reach each other. */
async function checkFirewall(): Promise<void> {
  const called = await readFile('/proc/sys/net/bridge/bridge-nf-call-iptables', 'utf8').catch(() => '0');
  if (called.trim() !== '1') return;
  const { stdout } = await attempt('nft', ['list', 'ruleset', 'ip']);
  const drops = /hook forward priority [^;]+; policy drop;/.test(stdout) && !/iifname "kk/.test(stdout);
  if (!drops) return;
  throw new KubekeepError('lab-unsupported', "this computer's firewall drops packets between lab machines: its FORWARD chain drops by default, and net.bridge.bridge-nf-call-iptables is 1 (Docker does both)", {
    hint: 'Let them through with: iptables -I FORWARD -i kk+ -o kk+ -j ACCEPT',
  });
}
