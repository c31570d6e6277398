import type { Clock } from '../../lib/clock.ts';
import type { Store } from './store.ts';

export interface LimitOptions {
  /** Bytes a second. */
  readonly bandwidth: number;
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly signal: AbortSignal;
}

/** Writes so many bytes a second and no more, on average. Only pages of a base wait for that: keys, indexes, catalogs and what was merged of the log count and do not wait, so that no base makes the log late; and neither does who reads. */
export function limitedStore(store: Store, { bandwidth, clock, signal }: LimitOptions): Store {
  let free = -Infinity;
  return {
    ...store,
    async create(name, bytes) {
      // A busy log must not hold up a base for ever.
      if (!name.startsWith('chain/')) {
        const now = clock.monotonic();
        const begin = Math.max(now, free);
        free = begin + (bytes.length / bandwidth) * 1000;
        if (begin > now && name.startsWith('packs/')) await clock.sleep(begin - now, signal);
      }
      return store.create(name, bytes);
    },
  };
}
