import { mkdtemp, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { destroyLab, type DestroyOptions } from '../../lab/destroy-lab.ts';
import { holdLab } from '../../lab/hold-lab.ts';
import type { Lab } from '../../lab/lab.ts';
import { readRecords, type LabRecord } from '../../lab/registry.ts';
import { KubekeepError } from '../../lib/errors.ts';

export const labName = 'demo';
const folders = '/var/tmp';
/** A lab in such a folder goes with its demo, or with the next one where that was killed. One that is kept lies elsewhere. */
const passing = 'kubekeep-demo-';

/**
 * A lab that `make` makes in a folder of its own. Disposed, it is removed with the folder, unless it is kept. Throws `lab-exists` where a demo goes on, or there
 * is a lab of that name that no demo left behind.
 */
export async function openDemoLab(make: (name: string, folder: string) => Promise<Lab>, { keep, ...options }: DestroyOptions & { readonly keep: boolean }): Promise<{ readonly lab: Lab } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const held = await holdLab(labName, 'the demo', options.runtimeFolder);
  if (!held) throw new KubekeepError('lab-exists', `lab ${labName} belongs to a demo that is going on`, { hint: `Wait until it has ended; kubekeep lab list shows its machines.` });
  opened.use(held);
  const left = leftByDemo(await readRecords(options.runtimeFolder));
  if (left) await removeDemoLab(left, options);
  const folder = await mkdtemp(join(folders, keep ? `kept-${passing}` : passing));
  opened.defer(() => rmdir(folder).catch(() => {}));
  const lab = await make(labName, folder);
  if (!keep) opened.defer(() => destroyLab(labName, options));
  const all = opened.move();
  return { lab, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function removeDemoLab({ directory }: Lab, options: DestroyOptions): Promise<void> {
  await destroyLab(labName, options);
  await rmdir(directory).catch(() => {});
}

/**
 * The lab of a demo that was killed. Throws `lab-exists` where the lab of that name is somebody's own, or was kept.
 * @internal also for tests
 */
export function leftByDemo(records: readonly Pick<LabRecord, 'lab'>[]): Lab | undefined {
  const lab = records.map((record) => record.lab).find(({ name }) => name === labName);
  if (!lab || (dirname(lab.directory) === folders && basename(lab.directory).startsWith(passing))) return lab;
  throw new KubekeepError('lab-exists', `there is a lab ${labName} already, in ${lab.directory}, and no demo left it behind`, { hint: `kubekeep lab down --name ${labName} removes it.` });
}
