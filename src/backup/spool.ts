import { randomBytes } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadAt } from '../bolt/bolt-file.ts';
import { readFrom, trailerLength } from '../bolt/open-file.ts';
import { diskHint } from '../lib/disk-error.ts';
import { KubekeepError } from '../lib/errors.ts';
import { BlockWriter } from './_block-writer.ts';
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
    const received = await receiveSnapshot(file, { path, onWritten, ...options });
    const hashKv = (revision: number, compacted: number, signal?: AbortSignal) => reader.hashKv(received.size, { revision, compacted, signal });
    return { ...received, ...(await reader.pages(received.size)), hashKv, index: (states) => reader.index(received.size, states), [Symbol.asyncDispose]: () => opened.disposeAsync() };
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
export async function receiveSnapshot(file: FileHandle, { path, member, stream, now, onWritten = () => {} }: ReceiveOptions): Promise<ReceivedSnapshot> {
  const blocks = new BlockWriter(file, onWritten);
  let time: number | undefined;
  try {
    for await (const piece of stream) {
      time ??= now();
      await blocks.add(piece).catch((error: Error) => unwritten(path, error));
    }
    const { sha256, trailer, received } = await blocks.end().catch((error: Error) => unwritten(path, error));
    if (trailer === sha256) return { ...readFrom(file.fd, received - trailerLength), sha256, time: time! };
    throw new KubekeepError('data-damaged', `the snapshot of etcd on ${member} is not what etcd sent: its SHA-256 differs (${received} bytes came)`, { hint: 'Run the command again.' });
  } finally {
    await blocks.settled();
  }
}

function unwritten(path: string, error: Error): never {
  throw new KubekeepError('store-failed', `${path} cannot be written: ${error.message}`, { hint: diskHint(error), cause: error });
}
