import { spawn } from 'node:child_process';
import { open, readFile, stat } from 'node:fs/promises';
import { KubekeepError } from '../lib/errors.ts';
import { makeCgroups } from './_cgroups.ts';
import { diskFolders } from './_machine-disk.ts';
import { findMachineProcesses } from './_processes.ts';
import { podArguments, podCgroups } from './_pod-machine.ts';
import { attempt, tool } from './_tool.ts';
import { imagesFolder, type Lab, type LabMachine } from './lab.ts';

/** Starts a machine whose disk is mounted, in the background, so that it outlives kubekeep. Does not wait for it. */
export async function boot(lab: Lab, machine: LabMachine): Promise<void> {
  if ((await findMachineProcesses((id) => id === machine.machineId)).length > 0) return;
  if (await hasSystemd()) await bootUnderSystemd(lab, machine);
  else await bootByHand(lab, machine);
}

/** True where this computer's PID 1 is systemd: cgroups are then systemd's to hand out. */
export async function hasSystemd(): Promise<boolean> {
  const [init, folder] = await Promise.all([readFile('/proc/1/comm', 'utf8').catch(() => ''), stat('/run/systemd/system').catch(() => undefined)]);
  return init.trim() === 'systemd' && folder !== undefined;
}

/** Asks systemd to forget what is left of the machine's unit. */
export async function forgetUnit(machineId: string): Promise<void> {
  if (!(await hasSystemd())) return;
  await attempt('systemctl', ['stop', unitName(machineId)]);
  await attempt('systemctl', ['reset-failed', unitName(machineId)]);
}

async function bootByHand(lab: Lab, machine: LabMachine): Promise<void> {
  const cgroups = await makeCgroups(machine.machineId);
  // The shell enters the machine's cgroups and becomes nspawn; the cgroups come first, then "--".
  const enter = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 70; shift; done; shift; exec "$@"';
  const output = await open(diskFolders(lab, machine).console, 'w', 0o600);
  try {
    const child = spawn('sh', ['-c', enter, 'sh', ...cgroups, '--', 'env', cgroupVersion(machine), 'systemd-nspawn', ...(await nspawnArguments(lab, machine))], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', output.fd, output.fd],
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
  } catch (cause) {
    throw new KubekeepError('lab-failed', `machine ${machine.name} could not be started`, { cause });
  } finally {
    await output.close();
  }
}

async function bootUnderSystemd(lab: Lab, machine: LabMachine): Promise<void> {
  const properties = ['Delegate=yes', 'KillMode=mixed', 'TasksMax=infinity', 'StandardInput=null', `StandardOutput=truncate:${diskFolders(lab, machine).console}`, 'StandardError=inherit'];
  await forgetUnit(machine.machineId);
  await tool('systemd-run', [
    '--quiet', '--collect', `--unit=${unitName(machine.machineId)}`, `--setenv=${cgroupVersion(machine)}`, ...properties.map((property) => `--property=${property}`),
    'systemd-nspawn', ...(await nspawnArguments(lab, machine)),
  ]);
}

function cgroupVersion({ kind }: LabMachine): string {
  return `SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=${kind === 'plain' || podCgroups().unified ? 1 : 0}`;
}

function unitName(machineId: string): string {
  return `kubekeep-lab-${machineId}.service`;
}

async function nspawnArguments(lab: Lab, machine: LabMachine): Promise<string[]> {
  const pods = machine.kind === 'pods';
  return [
    '-q', '--keep-unit', '--register=no', '--settings=no', '--link-journal=no', '--resolv-conf=off', '--timezone=off', '-D', diskFolders(lab, machine).root, '-M', machine.machineId,
    `--hostname=${machine.name}`, `--network-bridge=${lab.bridge}`, '--capability=CAP_NET_ADMIN,CAP_NET_RAW',
    ...(pods ? await podArguments({ pods: diskFolders(lab, machine).pods, images: imagesFolder(lab) }) : []), '-b', ...(pods ? podCgroups().words : []),
  ];
}
