import type { Store } from '../../backup/store/store.ts';
import type { OwnProgram } from '../../programs/own-program.ts';

/** What is put on hosts that follow the log, and where they write. */
export interface FollowerSource {
  readonly program: () => Promise<OwnProgram>;
  readonly store: () => Store;
}
