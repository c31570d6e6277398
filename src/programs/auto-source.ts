import { KubekeepError } from '../lib/errors.ts';
import { requestFor } from './_download.ts';
import { buildSource, pinnedRecipe } from './build-source.ts';
import type { Program } from './program.ts';
import { releaseFile } from './release-files.ts';
import type { ReleaseOptions } from './release-source.ts';
import { releaseSource } from './release-source.ts';
import type { Source, SourceContext } from './source.ts';
import { readTrustedSums } from './trusted-sums.ts';

export interface AutoOptions extends ReleaseOptions {
  /** Asked before minutes are spent on compiling; without it the work goes on by itself. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
}

const probeLimit = 3000;
const buildCost = 'up to 6 minutes on 2 cores and 2 GB of disk, once';

/** Releases where they are pinned and can be reached, otherwise compiled here, after saying what that costs. */
export function autoSource(options: AutoOptions): Source {
  const release = releaseSource(options);
  return {
    fits: async () => ({}),
    fetch: async (programs, context) => {
      const obstacle = await obstacleToRelease(programs, options, context);
      if (obstacle === undefined) return release.fetch(programs, context);
      await checkBuildable(programs, obstacle);
      context.progress({ type: 'note', title: `${obstacle}: compiling from the Go modules instead`, detail: buildCost });
      if (options.confirm && !(await options.confirm(`Compile ${programs.map((program) => program.name).join(', ')} here (${buildCost})?`))) {
        throw new KubekeepError('needs-confirmation', 'compiling the programs was not confirmed', { hint: 'Set spec.programs.source in the cluster file to release, build or directory, or run kubekeep programs fetch --source SOURCE first.' });
      }
      return buildSource.fetch(programs, context);
    },
  };
}

/** Why releases are not used, in words; undefined where nothing stands against them. */
async function obstacleToRelease(programs: readonly Program[], { pins, mirror, trustFirst }: AutoOptions, context: SourceContext): Promise<string | undefined> {
  const files = programs.map((program) => releaseFile(program, mirror));
  const sums = { ...(await readTrustedSums(context.cacheFolder)), ...pins };
  if (!trustFirst && files.some(({ key }) => sums[key] === undefined)) return 'the releases have no pinned SHA-256';
  // One file of each server tells whether the server can be reached.
  const addresses = [...new Map(files.map(({ url }) => [new URL(url).host, url])).values()];
  const reached = await Promise.all(addresses.map((url) => answers(url, context.signal)));
  const silent = addresses.find((_, position) => !reached[position]);
  return silent === undefined ? undefined : `${new URL(silent).host} cannot be reached`;
}

async function answers(url: string, signal: AbortSignal | undefined): Promise<boolean> {
  const [address, init] = requestFor(url);
  const limit = AbortSignal.timeout(probeLimit);
  try {
    const response = await fetch(address, { ...init, method: 'HEAD', signal: signal ? AbortSignal.any([signal, limit]) : limit });
    return response.ok && !/^text\/html\b/i.test(response.headers.get('content-type') ?? '');
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

async function checkBuildable(programs: readonly Program[], obstacle: string): Promise<void> {
  for (const program of programs) {
    await pinnedRecipe(program).catch((cause: unknown) => {
      throw new KubekeepError('program-unavailable', `${obstacle}, and ${program.name} ${program.version} cannot be compiled: there are no pinned module sums for it`, {
        hint: 'Set spec.programs.source: directory in the cluster file, with a folder of programs, or run kubekeep programs fetch --source release --trust-first.',
        cause,
      });
    });
  }
}
