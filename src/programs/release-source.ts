import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { download, withoutLogin } from './_download.ts';
import { limited } from './_limited.ts';
import { runCommand } from './_run-command.ts';
import { sha256OfFile } from './_sha256-of-file.ts';
import { describeProgram, familyOf } from './program.ts';
import type { CachedProgram, Program } from './program.ts';
import { publishedSum } from './published-sum.ts';
import { releaseFile } from './release-files.ts';
import type { ReleaseFile, ReleasePins } from './release-files.ts';
import type { Source, SourceContext } from './source.ts';
import { readTrustedSums, rememberTrustedSum } from './trusted-sums.ts';

export interface ReleaseOptions {
  /** The sums that are known before. */
  readonly pins: ReleasePins;
  /** Base address of a mirror instead of the official ones. */
  readonly mirror?: string | undefined;
  readonly trustFirst?: boolean | undefined;
}

const parallelDownloads = 4;

/** The projects' official downloads. A file without a pinned SHA-256 is refused unless it is to be trusted at first use. */
export function releaseSource({ pins, mirror, trustFirst = false }: ReleaseOptions): Source {
  return {
    fits: async (program) => {
      const file = releaseFile(program, mirror);
      // The pin of an archive is not the sum of a program in it.
      return { origin: 'release', ...(file.archiveFolder === undefined && { sha256: pins[file.key] }) };
    },
    fetch: async (programs, context) => {
      const sums = { ...(await readTrustedSums(context.cacheFolder)), ...pins };
      const files = [...Map.groupBy(programs, (program) => releaseFile(program, mirror).key).values()].map((batch) => ({ batch, file: releaseFile(batch[0]!, mirror) }));
      const unpinned = files.filter(({ file }) => sums[file.key] === undefined);
      if (unpinned.length > 0 && !trustFirst) throw notPinned(unpinned.flatMap(({ batch }) => batch));
      const fetched = await limited(files, parallelDownloads, ({ batch, file }, failed) => {
        const signal = context.signal ? AbortSignal.any([context.signal, failed]) : failed;
        return fetchFile(file, batch, sums[file.key], { ...context, signal });
      });
      const all = fetched.flat();
      return programs.map((wanted) => all.find(({ name, version, platform }) => name === wanted.name && version === wanted.version && platform === wanted.platform)!);
    },
  };
}

function notPinned(programs: readonly Program[]): KubekeepError {
  const one = programs.length === 1;
  return new KubekeepError('program-unavailable', `no SHA-256 is pinned for ${programs.map(describeProgram).join(', ')}, so ${one ? 'it is' : 'they are'} not downloaded`, {
    hint: 'Use --trust-first to trust what comes now and remember its sum, or source build or directory.',
  });
}

/** Downloads one published file and puts the programs of it that are wanted into the cache. */
async function fetchFile(file: ReleaseFile, programs: readonly Program[], pinned: string | undefined, context: SourceContext): Promise<CachedProgram[]> {
  const first = programs[0]!;
  const title = file.archiveFolder === undefined ? `${first.name} ${first.version}` : `${familyOf(first.name)} ${first.version}`;
  const partial = context.cache.partialFolder(first);
  await mkdir(partial, { recursive: true });
  const target = join(partial, 'download');
  const sha256 = await downloadChecked(file, { title, target, pinned, context });
  if (pinned === undefined) {
    await rememberTrustedSum(context.cacheFolder, file.key, sha256);
    context.progress({ type: 'note', title: `${title}: no sum was known before; trusting what came and remembering it`, detail: `SHA-256 ${sha256}` });
  }
  const added = file.archiveFolder === undefined ? [await context.cache.add(first, target, { origin: 'release', sha256 })] : await addFromArchive(file.archiveFolder, target, programs, context);
  await rm(partial, { recursive: true, force: true });
  context.progress({ type: 'done', title });
  return added;
}

interface Checked {
  readonly title: string;
  readonly target: string;
  readonly pinned: string | undefined;
  readonly context: SourceContext;
}

/** The SHA-256 of what was downloaded, which is the pinned one where there is one. */
async function downloadChecked(file: ReleaseFile, { title, target, pinned, context }: Checked): Promise<string> {
  const resumed = await isThere(target);
  await download({ ...context, url: file.url, target, title });
  const sha256 = await sha256OfFile(target, context.signal);
  const complaint = pinned === undefined ? await doubtAbout(target, file, sha256, context.signal) : sha256 === pinned ? undefined : `has SHA-256 ${sha256} and not the pinned ${pinned}`;
  if (complaint === undefined) return sha256;
  await rm(target, { force: true });
  // What an earlier process left may be damaged or another file: once more, from the beginning.
  if (resumed) return downloadChecked(file, { title, target, pinned, context });
  throw new KubekeepError('program-checksum', `${title} from ${withoutLogin(file.url)} ${complaint}; it was not used`, {
    hint: 'The file is damaged on the way or on the server, or is not what was published: try again, then use another mirror or source.',
  });
}

/** Without a pinned sum, at least the kind of file must be right, and the sum as published beside it where there is one. */
async function doubtAbout(path: string, file: ReleaseFile, sha256: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const published = await publishedSum(file, signal).catch(() => undefined);
  signal?.throwIfAborted();
  if (published !== undefined && published !== sha256) return `has SHA-256 ${sha256} and not the published ${published}`;
  const handle = await open(path, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (file.archiveFolder !== undefined) return buffer[0] === 0x1f && buffer[1] === 0x8b ? undefined : 'is not a gzip archive';
    return buffer.toString('latin1') === '\x7fELF' ? undefined : 'is not a Linux program';
  } finally {
    await handle.close();
  }
}

async function addFromArchive(folder: string, archive: string, programs: readonly Program[], { cache, signal }: SourceContext): Promise<CachedProgram[]> {
  const unpacked = `${archive}.unpacked`;
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(unpacked);
  const members = programs.map(({ name }) => join(folder, name));
  const { exitCode, lines } = await runCommand(['tar', '-xzf', archive, '-C', unpacked, '--no-same-owner', ...members], { signal });
  if (exitCode !== 0) throw new KubekeepError('program-unavailable', `the archive of ${programs.map(describeProgram).join(', ')} could not be unpacked: ${lines.slice(-3).join(' | ')}`);
  const added: CachedProgram[] = [];
  for (const program of programs) added.push(await cache.add(program, join(unpacked, folder, program.name), { origin: 'release' }));
  return added;
}

async function isThere(path: string): Promise<boolean> {
  return open(path, 'r').then(
    async (handle) => {
      await handle.close();
      return true;
    },
    () => false,
  );
}
