import type { Clock } from '../../lib/clock.ts';
import type { Store } from './store.ts';
import { TemporaryStoreError } from './temporary-store-error.ts';

export interface RetryOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** From 0 up to 1. */
  readonly draw: () => number;
  readonly signal: AbortSignal;
}

const attempts = 6;
/** ms before the second attempt, on average, and twice as long before each one after it. */
const firstWait = 200;

/** Tries again what may pass by itself, after up to 0.4, 0.8, 1.6, 3.2 and 6.4 s. */
export function retryingStore(store: Store, { clock, draw, signal }: RetryOptions): Store {
  const tried = async <T>(work: (attempt: number) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(attempt);
      } catch (error) {
        if (!(error instanceof TemporaryStoreError) || attempt === attempts) throw error;
        // Many that were refused at once must not come again at once.
        await clock.sleep(firstWait * 2 ** attempt * draw(), signal);
      }
    }
  };
  const read = (name: string) => tried(() => store.read(name));
  return {
    place: store.place,
    create: (name, bytes) => tried(async (attempt) => {
      const outcome = await store.create(name, bytes);
      if (outcome === 'created' || attempt === 1) return outcome;
      // An attempt that seemed to fail may have done it.
      const there = await read(name);
      return there && Buffer.from(bytes).equals(there) ? 'created' : 'exists';
    }),
    overwrite: (name, bytes) => tried(() => store.overwrite(name, bytes)),
    read,
    list: (prefix, after) => tried(() => store.list(prefix, after)),
    remove: (name) => tried(() => store.remove(name)),
  };
}
