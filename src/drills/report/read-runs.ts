import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DrillRun } from './drill-run.ts';

/** What is in the folder of all drills of a cluster, by time. */
export interface KeptRuns {
  readonly runs: readonly { readonly run: DrillRun; readonly folder: string }[];
  /** Names of folders without a result: what was killed or stopped, and what still goes on. Nobody may take them for runs that went well. */
  readonly unfinished: readonly string[];
}

/** All runs, or the newest of them, whether they have a result or not. None where the folder does not exist. */
export async function readRuns(folder: string, newest = Number.POSITIVE_INFINITY): Promise<KeptRuns> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((caught: NodeJS.ErrnoException) => {
    if (caught.code === 'ENOENT') return [];
    throw caught;
  });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort().slice(-newest);
  const read = await Promise.all(names.map(async (name) => ({ name, folder: join(folder, name), run: await readRun(join(folder, name, 'run.json')) })));
  return {
    runs: read.flatMap(({ run, folder: own }) => (run ? [{ run, folder: own }] : [])),
    unfinished: read.flatMap(({ run, name }) => (run ? [] : [name])),
  };
}

/** Undefined also where the drill was killed while it wrote it. */
async function readRun(path: string): Promise<DrillRun | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DrillRun;
  } catch (caught) {
    if (caught instanceof SyntaxError || (caught as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw caught;
  }
}
