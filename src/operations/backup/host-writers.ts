import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { namedWriter, writerKeysFromText, type OwnerKeys, type WriterKeys } from '../../backup/repository-keys.ts';
import { openRepository, type Repository } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { addWriters, revokeWriters, writersIn } from '../../backup/writers.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import { keep, readKept, type StateFolder } from '../state.ts';
import { keptKeys } from './open-backup.ts';

/** The writers that hosts are: each has a key of its own, which is made of the owner's and lies nowhere but on the host. */
export interface HostWriters {
  readonly keys: OwnerKeys;
  of(host: string): WriterKeys;
}

/** Name in the state folder: by host, which of its keys is the present one; 1 of those that are not named. */
const generationsFile = 'host-writers.json';
const generationsSchema = z.record(z.string(), z.number().int().positive());

/** Undefined where there is no repository whose owner this computer is. */
export async function hostWriters(state: StateFolder, identity: Secret): Promise<HostWriters | undefined> {
  const keys = await keptKeys(state, identity).catch((error: unknown) => {
    if (error instanceof KubekeepError && error.code === 'identity-missing') return undefined;
    throw error;
  });
  if (!keys) return undefined;
  const generations = await readGenerations(state);
  return { keys, of: (host) => namedWriter(keys, host, generations[host]) };
}

/** Lets a host write to the repository. Before it gets its keys, so that who has some may write. */
export async function admitHost(state: StateFolder, store: Store, { keys, of }: HostWriters, host: string): Promise<void> {
  const repository = await openRepository(store, keys);
  const newest = writersOf(repository, keys, host).at(-1);
  // Another computer, whose note this one does not have, has given it a later key, or revoked this one.
  if (newest) await noteGeneration(state, host, newest.until === undefined ? newest.generation : newest.generation + 1);
  await addWriters(repository, keys, [of(host).writer]);
}

/** Whatever a host appends from now on does not count, whoever gave it the key; the next key that it gets is another one. False where it was no writer. */
export async function revokeHost(state: StateFolder, store: Store, { keys }: HostWriters, host: string): Promise<boolean> {
  const repository = await openRepository(store, keys);
  const known = writersOf(repository, keys, host);
  if (known.every(({ until }) => until !== undefined)) return false;
  // First: a call that is cut off then leaves a host with a key that nobody gives to it again.
  await noteGeneration(state, host, known.at(-1)!.generation + 1);
  await revokeWriters(repository, keys, known.map(({ id }) => id));
  return true;
}

/** So many keys in a row may never have been admitted: each call that was cut off leaves one. */
const mostSkipped = 16;

/** All keys of a host that were ever admitted, by the chain: what is noted here may be behind. */
function writersOf({ chain }: Repository, keys: OwnerKeys, host: string): readonly { readonly id: string; readonly generation: number; readonly until?: number | undefined }[] {
  const writers = writersIn(chain.entries);
  const known = [];
  for (let generation = 1; generation <= (known.at(-1)?.generation ?? 0) + mostSkipped; generation++) {
    const { writer: { writer: id } } = namedWriter(keys, host, generation);
    const one = writers.find((writer) => writer.id === id);
    if (one) known.push({ id, generation, until: one.until });
  }
  return known;
}

/** The keys of a writer from a file. Throws `file-missing`, never with anything of what it says. */
export async function readWriterKeys(path: string): Promise<WriterKeys> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KubekeepError('file-missing', `${path} cannot be read (${error.code})`);
  });
  try {
    return writerKeysFromText(text);
  } catch {
    throw new KubekeepError('file-missing', `${path} does not hold the keys of a writer`, { hint: 'kubekeep apply makes such files for hosts.' });
  }
}

/** Nothing where a later one is noted. */
async function noteGeneration(state: StateFolder, host: string, generation: number): Promise<void> {
  const generations = await readGenerations(state);
  if (generation > (generations[host] ?? 1)) await keep(state, generationsFile, `${JSON.stringify({ ...generations, [host]: generation })}\n`);
}

async function readGenerations(state: StateFolder): Promise<Readonly<Record<string, number>>> {
  const text = await readKept(state, generationsFile);
  return text === undefined ? {} : generationsSchema.parse(JSON.parse(text));
}
