import { mkdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import type { Progress } from '../lib/progress.ts';
import { boot } from './_boot.ts';
import { withLock } from './_lock.ts';
import { mountDisk, seedDisk } from './_machine-disk.ts';
import { makeBridge, usedSubnets } from './_network.ts';
import { newSshKey, type SshKey } from './_ssh-key.ts';
import { waitForSsh } from './_wait-for-ssh.ts';
import { removeLab } from './destroy-lab.ts';
import { identityFile, imagesFolder, knownHostsFile, type Lab, type MachineKind } from './lab.ts';
import { layOutLab, networkPrefix, runtimeTag, subnetCount } from './layout.ts';
import { raiseLimits } from './limits.ts';
import { preflight } from './preflight.ts';
import { readRecords, writeRecord, type LabRecord } from './registry.ts';

export interface CreateLabOptions {
  readonly name: string;
  /** Absolute; made where it is missing. */
  readonly directory: string;
  /** Absolute folder of a root image with systemd, sshd and iproute2. */
  readonly image: string;
  readonly machines: readonly { readonly name: string; readonly kind?: MachineKind }[];
  /** Bytes; gives every machine a disk of its own. */
  readonly diskSize?: number | undefined;
  readonly runtimeFolder: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Raises limits of this computer that are too low instead of refusing; the last `destroyLab` puts them back. */
  readonly raiseLimits?: boolean | undefined;
  /** More files for the lab's directory (path below it → content), written before the machines start and removed with the lab. */
  readonly files?: ((lab: Lab) => Readonly<Record<string, string>>) | undefined;
  /** Fills the folder with archives of container images that machines of kind `pods` import. */
  readonly images?: ((folder: string) => Promise<void>) | undefined;
  /** More names in the directory to remove with the lab, unless they are there already now. */
  readonly alsoRemove?: readonly string[] | undefined;
}

/**
 * Makes machines and waits until each answers by SSH. When it fails or the signal fires, what was made is removed again; when the process
 * is killed, `destroyLab` removes it. Throws `not-root`, `tool-missing`, `lab-unsupported`, `lab-exists`, `usage` or `lab-failed`.
 */
export async function createLab(options: CreateLabOptions): Promise<Lab> {
  const { name, runtimeFolder, signal } = options;
  await preflight(options);
  return withLock({ runtimeFolder, scope: `lab ${name}`, signal }, async () => {
    const keys = options.machines.map((machine) => newSshKey(machine.name));
    const record = await register(options, keys);
    try {
      if (options.raiseLimits) await withLock({ runtimeFolder, scope: 'the lab registry' }, () => raiseLimits(runtimeFolder, options.progress));
      await make(record.lab, keys, options);
      await writeRecord(runtimeFolder, { ...record, state: 'ready' });
      return record.lab;
    } catch (caught) {
      await removeLab(record, { runtimeFolder, progress: options.progress }).catch((cause: unknown) => {
        throw new KubekeepError('lab-failed', `lab ${name} could not be made, and not all that was made could be removed`, { hint: `kubekeep lab down --name ${name} tries again.`, cause });
      });
      throw caught;
    }
  });
}

/** Takes a free subnet and notes the lab, before anything of it exists. */
async function register(options: CreateLabOptions, keys: readonly SshKey[]): Promise<LabRecord> {
  const { name, directory, runtimeFolder, signal } = options;
  return withLock({ runtimeFolder, scope: 'the lab registry', signal }, async () => {
    const records = await readRecords(runtimeFolder);
    const clash = records.find(({ lab }) => lab.name === name || lab.directory === directory);
    if (clash?.lab.name === name) throw new KubekeepError('lab-exists', `there is a lab ${name} already, in ${clash.lab.directory}`, { hint: `kubekeep lab down --name ${name} removes it.` });
    if (clash) throw new KubekeepError('lab-exists', `${directory} belongs to lab ${clash.lab.name}`, { hint: 'Name another folder with --dir.' });
    const lab = layOutLab({ ...options, subnetNumber: await freeSubnet(runtimeFolder, records), hostKeys: keys.map((key) => key.publicKey) });
    const record: LabRecord = { lab, state: 'making', owns: claimNames(lab, options) };
    await writeRecord(runtimeFolder, record);
    return record;
  });
}

/** The names that the lab will make in its directory; none of them may be there. "." stands for the directory itself. */
function claimNames(lab: Lab, { files, images, alsoRemove = [] }: CreateLabOptions): string[] {
  const made = ['machines', 'ssh', ...(images ? ['images'] : []), ...Object.keys(files?.(lab) ?? {})];
  const there = made.find((one) => existsSync(join(lab.directory, one)));
  if (there) throw new KubekeepError('lab-exists', `${join(lab.directory, there)} exists already and would be overwritten`, { hint: 'Name another folder with --dir, or remove it.' });
  return [...made, ...alsoRemove.filter((one) => !existsSync(join(lab.directory, one))), ...(existsSync(lab.directory) ? [] : ['.'])];
}

async function freeSubnet(runtimeFolder: string, records: readonly LabRecord[]): Promise<number> {
  const taken = await usedSubnets();
  const registered = new Set(records.map(({ lab }) => lab.subnet));
  // Registries do not see each other: each begins somewhere else.
  const first = Number.parseInt(runtimeTag(runtimeFolder).slice(2), 16) % subnetCount;
  for (let step = 0; step < subnetCount; step += 1) {
    const number = (first + step) % subnetCount;
    if (!taken.has(number) && !registered.has(`${networkPrefix(number)}.0/24`)) return number;
  }
  throw new KubekeepError('lab-failed', 'no subnet of 198.18.0.0/15 is free', { hint: 'kubekeep lab down --all removes all labs.' });
}

async function make(lab: Lab, keys: readonly SshKey[], { files, images, progress, signal }: CreateLabOptions): Promise<void> {
  signal?.throwIfAborted();
  const login = newSshKey(`kubekeep-lab-${lab.name}`);
  await writeFiles([
    [identityFile(lab), login.privateKey, 0o600],
    [`${identityFile(lab)}.pub`, `${login.publicKey}\n`, 0o644],
    [knownHostsFile(lab), lab.machines.map((machine) => `${machine.name},${machine.address} ${machine.hostKey}\n`).join(''), 0o644],
    ...Object.entries(files?.(lab) ?? {}).map(([path, content]) => [join(lab.directory, path), content, 0o600] as const),
  ]);
  if (images) {
    await mkdir(imagesFolder(lab), { recursive: true });
    await images(imagesFolder(lab));
  }
  await makeBridge(lab);
  await parallel(lab.machines, async (machine, position) => {
    progress({ type: 'started', title: 'boot', host: machine.name, step: 'boot', detail: machine.address });
    signal?.throwIfAborted();
    await mountDisk(lab, machine);
    await seedDisk(lab, machine, { hostKey: keys[position]!.privateKey, authorizedKey: login.publicKey });
    signal?.throwIfAborted();
    await boot(lab, machine);
    await waitForSsh(lab, machine, { signal });
    progress({ type: 'done', title: 'answers by SSH', host: machine.name, step: 'boot' });
  });
}

async function writeFiles(files: readonly (readonly [path: string, content: string, mode: number])[]): Promise<void> {
  for (const [path, content, mode] of files) {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, content, { mode });
  }
}
