import type { ProgramsSpec } from '../cluster/cluster.ts';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Progress } from '../lib/progress.ts';
import { buildSource } from './build-source.ts';
import { openCache } from './cache.ts';
import type { Fits, ProgramCache } from './cache.ts';
import { describeProgram } from './program.ts';
import type { CachedProgram, Program } from './program.ts';
import type { Source } from './source.ts';

export interface FetchOptions {
  /** Where missing programs come from (`programs` of the cluster file). */
  readonly source: ProgramsSpec;
  /** The user's cache folder for kubekeep. */
  readonly cacheFolder: string;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Asks a person before something costly; without it the work goes on by itself. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
  /** Accept a release that has no pinned SHA-256 and remember its sum. */
  readonly trustFirst?: boolean | undefined;
}

/**
 * Makes sure that all wanted programs are in the cache; the result is in the order of `wanted`. What is cached already needs neither
 * network nor locks. Throws `program-unavailable`, `program-checksum`, `build-failed`, `tool-missing` or an AbortError.
 */
export async function fetchPrograms(wanted: readonly Program[], options: FetchOptions): Promise<CachedProgram[]> {
  const cache = openCache(programsFolder(options.cacheFolder));
  const fits: Fits = options.source.source === 'auto' ? {} : { origin: options.source.source };
  const missing = await missingIn(cache, wanted, fits);
  if (missing.length > 0) {
    const onWait = () => options.progress({ type: 'note', title: 'another kubekeep is fetching the same programs; waiting for it' });
    await cache.withLocks(
      missing,
      async () => {
        const stillMissing = await missingIn(cache, missing, fits);
        if (stillMissing.length > 0) await sourceFor(options).fetch(stillMissing, { cache, ...options });
      },
      { signal: options.signal, onWait },
    );
  }
  return Promise.all(
    wanted.map(async (program) => {
      const found = await cache.find(program, fits);
      if (!found) throw new Error(`${describeProgram(program)} is not in the cache after it was fetched`);
      return found;
    }),
  );
}

/** The folder of the program cache inside the user's cache folder for kubekeep. */
export function programsFolder(cacheFolder: string): string {
  return join(cacheFolder, 'programs');
}

async function missingIn(cache: ProgramCache, programs: readonly Program[], fits: Fits): Promise<Program[]> {
  const found = await Promise.all(programs.map((program) => cache.find(program, fits)));
  return programs.filter((_, position) => found[position] === undefined);
}

function sourceFor(_: FetchOptions): Source {
  return buildSource;
}
