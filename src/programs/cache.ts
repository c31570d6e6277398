import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgramSource } from '../cluster/cluster.ts';
import type { Clock } from '../lib/clock.ts';
import { KubekeepError } from '../lib/errors.ts';
import { withFileLock } from './_file-lock.ts';
import type { FileLockOptions } from './_file-lock.ts';
import { sha256OfFile } from './_sha256-of-file.ts';
import { syncPath, writeSynced } from './_sync.ts';
import { describeProgram, isProgramName, platforms } from './program.ts';
import type { CachedProgram, Program } from './program.ts';

/** Where a cached program came from: a source of the cluster file other than `auto`. */
export type Origin = Exclude<ProgramSource, 'auto'>;

/** Programs on this computer: `FOLDER/NAME/VERSION/PLATFORM/SHA256/NAME`. Shared by all clusters and all running kubekeeps of a user. */
export interface ProgramCache {
  /** The newest intact entry that fits; broken ones are passed over. Needs no network or lock and, as a rule, reads no file. */
  find(program: Program, fits?: Fits): Promise<CacheEntry | undefined>;
  /**
   * Moves `file` (on the same file system) into the cache and makes it executable. Throws `program-checksum` where it does not have
   * `sha256`; without it the sum is only recorded. The caller holds the program's lock.
   */
  add(program: Program, file: string, options: AddOptions): Promise<CacheEntry>;
  /** Everything intact in the cache, by name and version. With `verify` every file is read again and broken ones are removed. */
  list(options?: { readonly verify?: boolean }): Promise<readonly CacheEntry[]>;
  /** Runs `work` while no other kubekeep fetches these programs. */
  withLocks<T>(programs: readonly Program[], work: () => Promise<T>, options?: FileLockOptions): Promise<T>;
  /** A folder for half-done work on a program, kept after a kill; only for the holder of the program's lock. */
  partialFolder(program: Program): string;
}

/** What an entry must have to be good enough; each is compared where it is given. */
export interface Fits {
  readonly sha256?: string | undefined;
  readonly origin?: Origin | undefined;
}

export interface AddOptions {
  readonly origin: Origin;
  readonly sha256?: string | undefined;
}

export interface CacheEntry extends CachedProgram {
  /** All sources that have delivered exactly these bytes. */
  readonly origins: readonly Origin[];
}

/** Beside each file. While size and times are as they were when the sum was checked, the file is not read again. */
interface Stamp {
  readonly size: number;
  readonly modified: number;
  readonly changed: number;
  readonly added: number;
  readonly origins: readonly Origin[];
}

const sumPattern = /^[0-9a-f]{64}$/;
const stagingPrefix = '.new-';

export function openCache(folder: string, clock: Clock): ProgramCache {
  const platformFolder = ({ name, version, platform }: Program) => join(folder, name, version, platform);
  const withLocks: ProgramCache['withLocks'] = (programs, work, options) => {
    // Everybody locks in the same order, so two kubekeeps never wait for each other.
    const paths = [...new Set(programs.map((program) => join(platformFolder(program), 'lock')))].sort();
    const nested = paths.reduceRight<() => Promise<unknown>>((inner, path) => () => withFileLock(path, inner, options), work);
    return nested() as ReturnType<typeof work>;
  };
  return {
    find: async (program, fits = {}) => {
      const entries = await readEntries(platformFolder(program), program);
      return entries.find((entry) => (fits.sha256 ?? entry.sha256) === entry.sha256 && (fits.origin === undefined || entry.origins.includes(fits.origin)));
    },
    add: (program, file, options) => addEntry(platformFolder(program), program, file, { ...options, added: clock.now() }),
    list: async ({ verify = false } = {}) => {
      const found: CacheEntry[] = [];
      for (const program of await programsIn(folder)) {
        if (verify) await withLocks([program], () => removeBroken(platformFolder(program), program, true));
        found.push(...(await readEntries(platformFolder(program), program)));
      }
      return found;
    },
    withLocks,
    partialFolder: (program) => join(platformFolder(program), 'partial'),
  };
}

async function addEntry(folder: string, program: Program, file: string, { origin, sha256: expected, added }: AddOptions & { added: number }): Promise<CacheEntry> {
  await chmod(file, 0o755);
  await syncPath(file);
  const sha256 = await sha256OfFile(file);
  if (expected !== undefined && sha256 !== expected) {
    throw new KubekeepError('program-checksum', `${describeProgram(program)} has SHA-256 ${sha256} and not ${expected}; it was not used`, {
      hint: 'The file is damaged or not what was published: fetch it again, or use another source.',
    });
  }
  await removeBroken(folder, program, false);
  const entry = join(folder, sha256);
  const known = await readEntry(entry, program, sha256);
  const origins = [...new Set([...(known?.origins ?? []), origin])].sort();
  if (known) {
    await writeStamp(entry, program, { origins, added });
    await rm(file);
  } else {
    // The entry is complete before it gets its name; a kill leaves at most a folder that the next add removes.
    const staging = join(folder, `${stagingPrefix}${randomBytes(6).toString('hex')}`);
    await mkdir(staging, { recursive: true });
    await rename(file, join(staging, program.name));
    await writeStamp(staging, program, { origins, added });
    await syncPath(staging);
    await rename(staging, entry);
    await syncPath(folder);
  }
  const path = join(entry, program.name);
  return { ...program, path, sha256, size: (await stat(path)).size, origins };
}

/** What a kill has left half-done, and entries whose file is not what it was; the lock of the program is held. */
async function removeBroken(folder: string, program: Program, verify: boolean): Promise<void> {
  for (const name of await readdirIfThere(folder)) {
    const broken = name.startsWith(stagingPrefix) || (sumPattern.test(name) && !(await readEntry(join(folder, name), program, name, verify)));
    if (broken) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Intact entries, the newest first. */
async function readEntries(folder: string, program: Program): Promise<CacheEntry[]> {
  const names = (await readdirIfThere(folder)).filter((name) => sumPattern.test(name));
  const entries = await Promise.all(names.map((sha256) => readEntry(join(folder, sha256), program, sha256)));
  return entries
    .filter((entry) => entry !== undefined)
    .sort((a, b) => b.added - a.added)
    .map(({ added: _, ...entry }) => entry);
}

/** Undefined for an entry that is not intact, or that another kubekeep removes at this moment. */
async function readEntry(entry: string, program: Program, sha256: string, verify = false): Promise<(CacheEntry & { added: number }) | undefined> {
  const path = join(entry, program.name);
  const stamp = await readStamp(entry);
  const facts = await stat(path).catch(() => undefined);
  if (!stamp || !facts) return undefined;
  const untouched = facts.size === stamp.size && facts.mtimeMs === stamp.modified && facts.ctimeMs === stamp.changed;
  if (!untouched || verify) {
    if ((await sha256OfFile(path).catch(() => undefined)) !== sha256) return undefined;
    if (!untouched) await writeStamp(entry, program, stamp);
  }
  return { ...program, path, sha256, size: facts.size, origins: stamp.origins, added: stamp.added };
}

async function readStamp(entry: string): Promise<Stamp | undefined> {
  try {
    const stamp = JSON.parse(await readFile(join(entry, 'stamp.json'), 'utf8')) as Stamp;
    return Array.isArray(stamp.origins) ? stamp : undefined;
  } catch {
    return undefined;
  }
}

async function writeStamp(entry: string, program: Program, { origins, added }: Pick<Stamp, 'origins' | 'added'>): Promise<void> {
  const { size, mtimeMs, ctimeMs } = await stat(join(entry, program.name));
  const stamp: Stamp = { size, modified: mtimeMs, changed: ctimeMs, added, origins };
  const temporary = join(entry, `.stamp-${randomBytes(6).toString('hex')}`);
  await writeSynced(temporary, `${JSON.stringify(stamp)}\n`);
  await rename(temporary, join(entry, 'stamp.json'));
}

async function programsIn(folder: string): Promise<Program[]> {
  const found: Program[] = [];
  for (const name of (await readdirIfThere(folder)).filter(isProgramName).sort()) {
    for (const version of (await readdirIfThere(join(folder, name))).sort()) {
      for (const platform of platforms) found.push({ name, version, platform });
    }
  }
  return found;
}

async function readdirIfThere(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}
