import { rm, rmdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import type { Progress } from '../lib/progress.ts';
import { withLock } from './_lock.ts';
import { readMounts, unmount } from './_mounts.ts';
import { removeInterface } from './_network.ts';
import { removeTables } from './links.ts';
import { putLimitsBack } from './limits.ts';
import { removeMachine } from './power.ts';
import { sweepStrays } from './sweep.ts';
import { readRecord, readRecords, removeBrokenRecords, removeRecord, removeTemporaryFiles, type LabRecord } from './registry.ts';

export interface DestroyOptions {
  readonly runtimeFolder: string;
  readonly progress: Progress;
}

/** Removes a lab and everything it made, also one whose making was killed. Throws `lab-missing`. */
export async function destroyLab(name: string, options: DestroyOptions): Promise<void> {
  const { runtimeFolder } = options;
  await readRecord(runtimeFolder, name);
  await withLock({ runtimeFolder, scope: `lab ${name}` }, async () => removeLab(await readRecord(runtimeFolder, name), options));
}

/**
 * Removes every lab of the run-time folder, and whatever else of labs is left on the computer without a registry entry. Returns the names of the
 * labs and, in words, the strays.
 */
export async function destroyAllLabs(options: DestroyOptions): Promise<{ readonly labs: readonly string[]; readonly strays: readonly string[] }> {
  const { runtimeFolder } = options;
  await removeBrokenRecords(runtimeFolder);
  const labs = (await readRecords(runtimeFolder)).map(({ lab }) => lab.name);
  await parallel(labs, (name) => destroyLab(name, options));
  const strays = await sweepStrays(runtimeFolder);
  await withLock({ runtimeFolder, scope: 'the lab registry' }, async () => {
    await removeTemporaryFiles(runtimeFolder);
    if ((await readRecords(runtimeFolder)).length === 0) await putLimitsBack(runtimeFolder);
  });
  return { labs, strays };
}

/** The work of `destroyLab`, for a caller that holds the lab's lock. Each step may be repeated; the registry's entry goes last. */
export async function removeLab({ lab, owns }: LabRecord, { runtimeFolder, progress }: DestroyOptions): Promise<void> {
  await parallel(lab.machines, async (machine) => {
    await removeMachine(lab, machine);
    progress({ type: 'done', title: 'removed', host: machine.name, step: 'remove' });
  });
  await removeTables(lab.table);
  await removeInterface(lab.bridge);
  await removeFiles(lab.directory, owns);
  await withLock({ runtimeFolder, scope: 'the lab registry' }, async () => {
    await removeRecord(runtimeFolder, lab.name);
    await removeTemporaryFiles(runtimeFolder);
    if ((await readRecords(runtimeFolder)).length === 0) await putLimitsBack(runtimeFolder);
  });
}

/** The lab's own names; the directory itself only where the lab made it and nobody put anything else there. */
async function removeFiles(directory: string, owns: readonly string[]): Promise<void> {
  for (const name of owns) {
    if (name === '.') continue;
    const path = resolve(directory, name);
    if (!path.startsWith(directory + sep)) throw new KubekeepError('bug', `${path} is not in ${directory}`);
    // Nothing may be deleted through a mount.
    const mounts = (await readMounts()).filter(({ target }) => target === path || target.startsWith(join(path, sep)));
    for (const { target } of mounts.reverse()) await unmount(target);
    await rm(path, { recursive: true, force: true });
  }
  if (owns.includes('.')) await rmdir(directory).catch(() => {});
}
