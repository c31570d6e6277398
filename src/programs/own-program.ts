import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { runCommand } from './_run-command.ts';
import { sha256OfFile } from './_sha256-of-file.ts';
import { platformOf, type Platform } from './program.ts';

/** kubekeep itself as it runs here, for other machines: its source or what was built of it, the packages that it needs, and the Node that runs it. */
export interface OwnProgram {
  /** SHA-256 over names, modes and content of all files, in hexadecimal digits. */
  readonly digest: string;
  readonly platform: Platform;
  /** Paths inside the archive: of Node, and of the script that it runs. */
  readonly node: string;
  readonly script: string;
  /** Makes the archive, or finds it in the cache: a tar file, compressed with gzip, which every Debian has. Throws `tool-missing`. */
  pack(signal?: AbortSignal): Promise<OwnArchive>;
}

export interface OwnArchive {
  readonly path: string;
  /** Of the archive; lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** What a program does not need to run. */
const leftOut = /(^|\/)(node_modules|golden|dist-types|tests?)\/|\.(test|conformance)\.ts$|\.d\.[cm]?ts$|\.(map|md|tsbuildinfo)$/;
const ownParts = ['bin', 'dist', 'pins', 'src', 'package.json'];

/** `root`: folder of the package. `cacheFolder`: the user's cache folder for kubekeep. Reads some 150 MB where a file changed since the last time. Throws `tool-missing` where packages are not there. */
export async function findOwnProgram(root: string, cacheFolder: string): Promise<OwnProgram> {
  const packages = packagesOf(root);
  const top = packages.reduce(commonFolder);
  const own = packages.flatMap((folder) => (folder === root ? ownParts.filter((part) => part !== 'dist' || !existsSync(join(root, 'src'))) : ['.']).flatMap((part) => filesIn(folder, part)));
  const names = own.map((path) => relative(top, path)).toSorted();
  const node = nodePath(root);
  const digest = knownDigest([...names.map((name) => [name, join(top, name)] as const), [basename(node), node]], join(cacheFolder, 'own'));
  let archive: Promise<OwnArchive> | undefined;
  return {
    digest,
    platform: platformOf(process.arch) as Platform,
    node: basename(node),
    script: join(relative(top, root), 'bin/kubekeep.mjs'),
    pack: (signal) => (archive ??= packed({ top, names, node, archive: join(cacheFolder, 'own', `${digest}.tar.gz`), signal })),
  };
}

/** The package and all that it needs, each where Node would find it. */
function packagesOf(root: string): string[] {
  const found = new Set([root]);
  for (const folder of found) {
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, Record<string, string> | undefined>;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (name.startsWith('node-linux-')) continue;
      const place = placeOf(name, folder);
      if (place !== undefined) found.add(place);
      else if (!(name in optionalDependencies)) throw new KubekeepError('tool-missing', `the package ${name}, which kubekeep needs, is not installed beside it`, { hint: 'Run npm ci.' });
    }
  }
  return [...found];
}

function placeOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return place;
    if (folder === dirname(folder)) return undefined;
  }
}

function commonFolder(one: string, other: string): string {
  return other === one || other.startsWith(`${one}${sep}`) ? one : commonFolder(dirname(one), other);
}

function filesIn(folder: string, part: string): string[] {
  const path = join(folder, part);
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, file: join(entry.parentPath, entry.name) }))
    .filter(({ entry, file }) => entry.isFile() && !leftOut.test(relative(folder, file)))
    .map(({ file }) => file);
}

function nodePath(root: string): string {
  const place = placeOf(`node-linux-${process.arch}`, root);
  return place === undefined ? process.execPath : join(place, 'bin', 'node');
}

type NamedFiles = readonly (readonly [name: string, path: string])[];

/** Kept as long as every file has its inode, size and change time. */
function knownDigest(files: NamedFiles, folder: string): string {
  const stamps = files.map(([name, path]) => [name, statSync(path)] as const).map(([name, { ino, size, ctimeMs }]) => `${name} ${ino} ${size} ${ctimeMs}\n`);
  const stamp = createHash('sha256').update(stamps.join('')).digest('hex');
  const kept = join(folder, 'digest');
  const [before, digest] = existsSync(kept) ? readFileSync(kept, 'utf8').split(' ') : [];
  if (before === stamp && digest?.length === stamp.length) return digest;
  const made = digestOf(files);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${kept}.${process.pid}`, `${stamp} ${made}`);
  renameSync(`${kept}.${process.pid}`, kept);
  return made;
}

function digestOf(files: NamedFiles): string {
  const hash = createHash('sha256');
  for (const [name, path] of files) hash.update(`${name}\0${createHash('sha256').update(readFileSync(path)).digest('hex')}\n`);
  return hash.digest('hex');
}

interface Packing {
  readonly top: string;
  /** Below `top`. */
  readonly names: readonly string[];
  readonly node: string;
  readonly archive: string;
  readonly signal: AbortSignal | undefined;
}

/** The same content has the same archive on every computer; one is kept, the newest. */
async function packed({ top, names, node, archive, signal }: Packing): Promise<OwnArchive> {
  if (!existsSync(archive)) {
    const folder = dirname(archive);
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.tar.gz'))) await rm(join(folder, name), { force: true });
    const [list, unfinished] = [`${archive}.${process.pid}.list`, `${archive}.${process.pid}`];
    await writeFile(list, names.join('\n'));
    const { exitCode, lines } = await runCommand(['tar', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX', '--mtime=@0', '-czf', unfinished, '-C', top, '-T', list, '-C', dirname(node), basename(node)], { signal, environment: { LC_ALL: 'C' } });
    if (exitCode !== 0) throw new KubekeepError('tool-missing', `kubekeep cannot be packed for other machines: ${lines.at(-1) ?? `tar ended with ${exitCode}`}`, { hint: 'Are tar and gzip installed, and is there room for 100 MB in the cache folder?' });
    await rename(unfinished, archive);
    await rm(list);
  }
  return { path: archive, sha256: await sha256OfFile(archive, signal), size: (await stat(archive)).size };
}
