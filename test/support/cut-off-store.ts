import type { Store } from '../../src/backup/store/store.ts';

/** A store whose write number `cut` fails: not done, or done and not said. */
export function cutOff(store: Store, cut: number, written: boolean): Store {
  let writes = 0;
  const counted = <A extends readonly unknown[], T>(verb: (...args: A) => Promise<T>) => async (...args: A) => {
    const now = writes++ === cut;
    if (now && !written) throw new Error('cut');
    const result = await verb(...args);
    if (now) throw new Error('cut');
    return result;
  };
  return { ...store, create: counted(store.create), remove: counted(store.remove) };
}
