import type { Clock } from '../lib/clock.ts';
import type { Progress } from '../lib/progress.ts';
import type { Fits, ProgramCache } from './cache.ts';
import type { CachedProgram, Program } from './program.ts';

/** One way to get programs that are not in the cache. */
export interface Source {
  /** What a cached program must have so that this source need not be asked. Needs no network. */
  fits(program: Program): Promise<Fits>;
  /**
   * Puts all of `programs` into the cache, in that order in the result. Throws `program-unavailable`, `program-checksum`, `build-failed`
   * or an AbortError. The caller holds the locks of the programs.
   */
  fetch(programs: readonly Program[], context: SourceContext): Promise<CachedProgram[]>;
}

export interface SourceContext {
  readonly cache: ProgramCache;
  /** The user's cache folder for kubekeep, the parent of the program cache. */
  readonly cacheFolder: string;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}
