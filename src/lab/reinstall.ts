import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { withLock } from './_lock.ts';
import { diskFolders, emptyDisk, mountChanges, mountDisk, seedDisk, unmountDisk } from './_machine-disk.ts';
import { findMachine, identityFile, type Lab, type LabMachine } from './lab.ts';
import { lockOf, powerOff, powerOn } from './power.ts';

/**
 * Gives a machine a new disk with a fresh system, as after a broken disk or a reinstallation, and boots it. It keeps its name, address and SSH
 * host key, so that the cluster file stays right. Run again, it goes on where it was cut. Throws `lab-failed`.
 */
export async function reinstall(lab: Lab, name: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
  const machine = findMachine(lab, name);
  await powerOff(lab, name);
  await withLock({ ...lockOf(machine), signal }, () => renewDisk(lab, machine));
  await powerOn(lab, name, { signal });
}

async function renewDisk(lab: Lab, machine: LabMachine): Promise<void> {
  const { folder, upper } = diskFolders(lab, machine);
  const hostKey = join(folder, 'host-key');
  const old = join(upper, 'etc/ssh/ssh_host_ed25519_key');
  // The only copy of the key lies on the disk: it is put beside it first, whole or not at all. One that is there is of a run that was cut.
  if (!existsSync(hostKey)) {
    await mountChanges(lab, machine);
    if (existsSync(old)) {
      await copyFile(old, `${hostKey}.new`);
      await rename(`${hostKey}.new`, hostKey);
    }
  }
  if (!existsSync(hostKey)) throw new KubekeepError('lab-failed', `the host key of machine ${machine.name} is lost`, { hint: `kubekeep lab down --name ${lab.name} removes the lab.` });
  await emptyDisk(lab, machine);
  await mountDisk(lab, machine);
  try {
    await seedDisk(lab, machine, { hostKey: await readFile(hostKey, 'utf8'), authorizedKey: (await readFile(`${identityFile(lab)}.pub`, 'utf8')).trim() });
  } finally {
    await unmountDisk(lab, machine);
  }
  await rm(hostKey);
}
