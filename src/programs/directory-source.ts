import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { describeProgram } from './program.ts';
import type { CachedProgram, Program } from './program.ts';
import type { Source, SourceContext } from './source.ts';

/**
 * A folder on the operator's computer, for sites without internet: `NAME/VERSION/PLATFORM/NAME` and, at its root, one `SHA256SUMS` that
 * lists these paths as sha256sum(1) does.
 */
export function directorySource(directory: string | undefined): Source {
  return {
    fits: async (program) => {
      const sums = directory === undefined ? undefined : await readSums(directory).catch(() => undefined);
      return { origin: 'directory', sha256: sums?.get(pathOf(program)) };
    },
    fetch: async (programs, context) => {
      if (directory === undefined) throw new KubekeepError('usage', 'source directory needs the folder it is to read', { hint: 'Set spec.programs.directory in the cluster file; with kubekeep programs fetch, --directory.' });
      const sums = await readSums(directory);
      // All sums are looked up before the first file is copied.
      for (const program of programs) sumOf(program, sums, directory);
      const added: CachedProgram[] = [];
      for (const program of programs) added.push(await addFile(program, sumOf(program, sums, directory), directory, context));
      return added;
    },
  };
}

async function addFile(program: Program, sha256: string, directory: string, { cache, progress, signal }: SourceContext): Promise<CachedProgram> {
  signal?.throwIfAborted();
  const path = join(directory, pathOf(program));
  const partial = cache.partialFolder(program);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    const copy = join(partial, 'copy');
    await copyFile(path, copy).catch((cause: unknown) => {
      throw new KubekeepError('program-unavailable', `${path} is listed in SHA256SUMS but cannot be read`, { hint: `Put ${describeProgram(program)} there.`, cause });
    });
    const added = await cache.add(program, copy, { origin: 'directory', sha256 });
    progress({ type: 'done', title: `${program.name} ${program.version} from ${directory}` });
    return added;
  } catch (error) {
    if (!(error instanceof KubekeepError && error.code === 'program-checksum')) throw error;
    throw new KubekeepError('program-checksum', `${path} does not have the SHA-256 that SHA256SUMS lists (${sha256}); it was not used`, {
      hint: 'Copy the file again from where it came from, or correct SHA256SUMS if it is the right one.',
      cause: error,
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

function sumOf(program: Program, sums: ReadonlyMap<string, string>, directory: string): string {
  const sum = sums.get(pathOf(program));
  if (sum !== undefined) return sum;
  throw new KubekeepError('program-unavailable', `${join(directory, 'SHA256SUMS')} does not list ${pathOf(program)}`, {
    hint: `Put ${describeProgram(program)} there and run in that folder: sha256sum */*/*/* > SHA256SUMS`,
  });
}

function pathOf({ name, version, platform }: Program): string {
  return `${name}/${version}/${platform}/${name}`;
}

async function readSums(directory: string): Promise<ReadonlyMap<string, string>> {
  const path = join(directory, 'SHA256SUMS');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new KubekeepError('program-unavailable', `${path} is missing or cannot be read`, {
      hint: 'The folder needs NAME/VERSION/PLATFORM/NAME for each program; then run in it: sha256sum */*/*/* > SHA256SUMS',
      cause,
    });
  });
  const found = text.split('\n').map((line) => /^([0-9a-f]{64}) [ *](?:\.\/)?(.+?)\s*$/i.exec(line));
  return new Map(found.flatMap((match) => (match ? [[match[2]!, match[1]!.toLowerCase()] as const] : [])));
}
