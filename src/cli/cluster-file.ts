import { Option } from 'commander';
import { open, realpath, rename, stat, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { maxClusterFileBytes, parseAnyClusterFile, parseClusterFile } from '../cluster/parse-cluster-file.ts';
import type { Cluster, ExternalCluster } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';

export interface ReadClusterFile<Kind = Cluster> {
  readonly cluster: Kind;
  /** Absolute path. */
  readonly file: string;
  /** Absolute path of its folder. */
  readonly directory: string;
}

/** The option that every command with a cluster file has: `command.addOption(clusterFileOption())`, then `flags.file`. */
export function clusterFileOption(): Option {
  return new Option('-f, --file <path>', 'the cluster file').default('cluster.yaml');
}

/** Reads and checks the cluster file of a cluster that kubekeep builds. Throws `file-missing`, `spec-invalid` or `cluster-external`. */
export async function readClusterFile(path: string): Promise<ReadClusterFile> {
  return parseClusterText(await readClusterText(path), path);
}

/** Checks the text of such a file that was read from `path`. Throws `spec-invalid` or `cluster-external`. */
export function parseClusterText(text: string, path: string): ReadClusterFile {
  return parsed(parseClusterFile, text, path);
}

/** The same of any cluster. Throws `file-missing` or `spec-invalid`. */
export async function readAnyClusterFile(path: string): Promise<ReadClusterFile<Cluster | ExternalCluster>> {
  return parseAnyClusterText(await readClusterText(path), path);
}

/** Checks the text of the cluster file that was read from `path`. Throws `spec-invalid`. */
export function parseAnyClusterText(text: string, path: string): ReadClusterFile<Cluster | ExternalCluster> {
  return parsed(parseAnyClusterFile, text, path);
}

function parsed<Kind>(parse: (text: string, place: { readonly file: string; readonly directory: string; readonly home: string }) => Kind, text: string, path: string): ReadClusterFile<Kind> {
  const file = resolve(path);
  const directory = dirname(file);
  return { cluster: parse(text, { file: path, directory, home: homedir() }), file, directory };
}

/** The file's text; of a file that is too large only as much as shows that it is. */
export async function readClusterText(path: string): Promise<string> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const bytes = await readAtMost(handle, maxClusterFileBytes + 1);
    // A file that was cut off may end in the middle of a character; it is refused for its size.
    return new TextDecoder('utf-8', { fatal: bytes.length <= maxClusterFileBytes }).decode(bytes);
  } catch (caught) {
    if (caught instanceof TypeError) throw new KubekeepError('spec-invalid', `${path} is not a text file in UTF-8`, { hint: 'Save it as UTF-8, then run kubekeep validate.', cause: caught });
    const { code } = caught as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder' : `cannot be read (${code})`;
    throw new KubekeepError('file-missing', `the cluster file ${path} ${why}`, { hint: 'Run kubekeep init to make one, or name another one with --file.', cause: caught });
  } finally {
    await handle?.close();
  }
}

/** Replaces the file at once, with the mode that it has: a reader sees the old text or the new one. A link stays one. */
export async function writeClusterText(path: string, text: string): Promise<void> {
  const real = await realpath(path);
  const next = `${real}.new-${process.pid}`;
  await writeFile(next, text, { mode: (await stat(real)).mode & 0o777, flag: 'wx' });
  await rename(next, real);
}

/** Works for pipes too, whose size is not known before. */
async function readAtMost(handle: FileHandle, limit: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await handle.read(buffer, length, limit - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
