import { randomBytes } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadAt } from '../bolt/bolt-file.ts';
import { readFrom, trailerLength } from '../bolt/open-file.ts';
import { diskHint } from '../lib/disk-error.ts';
import { KubekeepError } from '../lib/errors.ts';
import { BlockWriter } from './_block-writer.ts';
import { hashFile } from './hash-file.ts';
import type { FileIndex } from './index-keys.ts';
import { SnapshotReader, type FilePages } from './snapshot-reader.ts';

/** A snapshot in a file of this computer. `size` is without the trailer. */
export interface ReceivedSnapshot extends ReadAt {
  /** What etcd says it is, and what it is: in hexadecimal digits. */
  readonly sha256: string;
  /** When its first piece came, in ms since the epoch: nothing in it was written later. */
  readonly time: number;
}

/** One in a file that has no name any more: it is gone when the program is. */
export interface Spool extends ReceivedSnapshot, AsyncDisposable {}

/** One whose pages were hashed while it came. */
export interface HashedSpool extends Spool, FilePages {
  /** What a member answers to HashKV that has the same: see `hashKvOf`. */
  hashKv(revision: number, compacted: number, signal?: AbortSignal): Promise<number>;
  /** Its key index: see `indexKeys`. */
  index(states: Uint8Array | undefined): Promise<FileIndex | undefined>;
}

export interface SpoolOptions {
  readonly member: string;
  readonly stream: AsyncIterable<Uint8Array>;
  readonly now: () => number;
  /** The repository's key for pages. */
  readonly idKey: Uint8Array;
}

/** Bytes. Each word wakes the thread that hashes. */
const toldEvery = 4 << 20;

/**
 * Takes etcd's Snapshot stream as fast as it comes, so that etcd never waits for a store. `folder` is to be on a disk of this computer with room for the whole file. Throws `data-damaged` where the
 * stream is not what etcd sent, `store-failed` where the folder does not take it.
 */
export async function spoolSnapshot(folder: string, { idKey, ...options }: SpoolOptions): Promise<HashedSpool> {
  const path = join(folder, `spool-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600).catch((error: Error) => unwritten(path, error));
  const opened = new AsyncDisposableStack();
  opened.defer(() => file.close());
  try {
    await unlink(path);
    const reader = opened.use(new SnapshotReader({ descriptor: file.fd, idKey }));
    let told = 0;
    const onWritten = (size: number) => {
      if (size - told >= toldEvery) reader.grown((told = size));
    };
    const received = await receive(file, { path, onWritten, ...options });
    const hashKv = (revision: number, compacted: number, signal?: AbortSignal) => reader.hashKv(received.size, { revision, compacted, signal });
    // What is no file of etcd at all has come as something else, mostly.
    const pages = await reader.pages(received.size).catch(async (error: unknown) => {
      refuseOther(received, await sumOf(file, received), options);
      throw error;
    });
    refuseOther(received, pages.sha256, options);
    return { ...received, ...pages, hashKv, index: (states) => reader.index(received.size, states), [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

export interface ReceiveOptions extends Omit<SpoolOptions, 'idKey'> {
  readonly path: string;
  /** Is told how many bytes of what is no trailer can be read. */
  readonly onWritten?: (size: number) => void;
}

/** Writes the stream, trailer included, to an empty file that is open for reading and writing. Throws as `spoolSnapshot`. */
export async function receiveSnapshot(file: FileHandle, options: ReceiveOptions): Promise<ReceivedSnapshot> {
  const received = await receive(file, options);
  const sha256 = await sumOf(file, received);
  refuseOther(received, sha256, options);
  return { ...received, sha256 };
}

/** A snapshot whose sum nobody has compared yet. */
interface Received extends Omit<ReceivedSnapshot, 'sha256'> {
  /** What etcd says that the sum is, in hexadecimal digits. */
  readonly trailer: string;
}

async function receive(file: FileHandle, { path, stream, now, onWritten = () => {} }: ReceiveOptions): Promise<Received> {
  const blocks = new BlockWriter(file, onWritten);
  let time: number | undefined;
  try {
    for await (const piece of stream) {
      time ??= now();
      await blocks.add(piece).catch((error: Error) => unwritten(path, error));
    }
    const size = (await blocks.end().catch((error: Error) => unwritten(path, error))) - trailerLength;
    const trailer = size < 0 ? '' : readFrom(file.fd, size + trailerLength).read(size, trailerLength).toString('hex');
    return { ...readFrom(file.fd, Math.max(0, size)), trailer, time: time! };
  } finally {
    await blocks.settled();
  }
}

async function sumOf(file: FileHandle, { size }: Received): Promise<string> {
  return (await hashFile(file, size)).toString('hex');
}

function refuseOther({ size, trailer }: Received, sha256: string, { member }: Pick<ReceiveOptions, 'member'>): void {
  if (trailer === sha256) return;
  throw new KubekeepError('data-damaged', `the snapshot of etcd on ${member} is not what etcd sent: its SHA-256 differs (${size} bytes came)`, { hint: 'Run the command again.' });
}

function unwritten(path: string, error: Error): never {
  throw new KubekeepError('store-failed', `${path} cannot be written: ${error.message}`, { hint: diskHint(error), cause: error });
}
