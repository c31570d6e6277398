import { KubekeepError } from '../../lib/errors.ts';
import type { Store } from './store.ts';

/** What is still there, and why. */
export interface Left {
  readonly name: string;
  readonly why: string;
}

/** Undefined when the object is gone; else the store's words, as of one that locks objects for a time. */
export async function tryToRemove(store: Store, name: string): Promise<Left | undefined> {
  try {
    await store.remove(name);
    return undefined;
  } catch (error) {
    if (!(error instanceof KubekeepError)) throw error;
    return { name, why: error.message };
  }
}
