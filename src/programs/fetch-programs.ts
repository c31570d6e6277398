import { join } from 'node:path';
import type { ProgramsSpec } from '../cluster/cluster.ts';
import type { Clock } from '../lib/clock.ts';
import type { Progress } from '../lib/progress.ts';
import { autoSource } from './auto-source.ts';
import { buildSource } from './build-source.ts';
import { openCache, type CacheEntry } from './cache.ts';
import { directorySource } from './directory-source.ts';
import { describeProgram } from './program.ts';
import type { Program } from './program.ts';
import { readReleasePins } from './release-files.ts';
import { releaseSource } from './release-source.ts';
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
export async function fetchPrograms(wanted: readonly Program[], options: FetchOptions): Promise<CacheEntry[]> {
  const cache = openCache(programsFolder(options.cacheFolder), options.clock);
  const source = sourceFor(options);
  const find: Find = async (program) => cache.find(program, await source.fits(program));
  const missing = await missingOf(wanted, find);
  if (missing.length > 0) {
    const onWait = () => options.progress({ type: 'note', title: 'another kubekeep is fetching the same programs; waiting for it' });
    const fetchMissing = async () => {
      // Another kubekeep may have fetched some while this one waited for the locks.
      const stillMissing = await missingOf(missing, find);
      if (stillMissing.length > 0) await source.fetch(stillMissing, { cache, ...options });
    };
    await cache.withLocks(missing, fetchMissing, { signal: options.signal, onWait });
  }
  return Promise.all(wanted.map(async (program) => {
    const found = await find(program);
    if (found) return found;
    throw new Error(`${describeProgram(program)} is not in the cache after it was fetched`);
  }));
}

type Find = (program: Program) => Promise<CacheEntry | undefined>;

/** Each missing program once. */
async function missingOf(programs: readonly Program[], find: Find): Promise<Program[]> {
  const unique = [...new Map(programs.map((program) => [describeProgram(program), program])).values()];
  const found = await Promise.all(unique.map(find));
  return unique.filter((_, position) => found[position] === undefined);
}

/** The folder of the program cache inside the user's cache folder for kubekeep. */
export function programsFolder(cacheFolder: string): string {
  return join(cacheFolder, 'programs');
}

function sourceFor({ source: { source, directory, mirror }, trustFirst, confirm }: FetchOptions): Source {
  if (source === 'build') return buildSource;
  if (source === 'directory') return directorySource(directory);
  const release = { pins: readReleasePins(), mirror, trustFirst };
  return source === 'release' ? releaseSource(release) : autoSource({ ...release, confirm });
}
