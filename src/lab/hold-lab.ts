import { tryLock } from './_lock.ts';

/** What one process alone may do with a lab, for longer than a command of `lab` takes. */
export type LabUse = 'drills' | 'the demo';

/** Keeps others on this computer from using a lab in the same way, until it is disposed or this process ends, however it ends; undefined where somebody does already. */
export function holdLab(name: string, use: LabUse, runtimeFolder: string): Promise<AsyncDisposable | undefined> {
  return tryLock({ runtimeFolder, scope: `${use} of lab ${name}` });
}
