import { holdLab } from '../lab/hold-lab.ts';
import type { Lab } from '../lab/lab.ts';
import { KubekeepError } from '../lib/errors.ts';

/**
 * Before anything in a lab is touched: one drill would undo what another one has just broken, and remove what it has written. Throws `drill-refused` while
 * another one goes on. Freed when it is disposed, and when this process ends.
 */
export async function holdDrills({ name }: Pick<Lab, 'name'>, runtimeFolder: string): Promise<AsyncDisposable> {
  const held = await holdLab(name, 'drills', runtimeFolder);
  if (held) return held;
  throw new KubekeepError('drill-refused', `another drill is going on in lab ${name}`, { hint: 'Wait until it has ended, or stop it with Ctrl-C where it runs; then kubekeep drill report shows its runs, and this can be run.' });
}
