import { createHash, randomBytes } from 'node:crypto';
import { readSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadAt } from '../bolt/bolt-file.ts';
import { KubekeepError } from '../lib/errors.ts';

/** A snapshot in a file of this computer. `size` is without the trailer. */
export interface ReceivedSnapshot extends ReadAt {
  /** What etcd says it is, and what it is: in hexadecimal digits. */
  readonly sha256: string;
  /** When its first piece came, in ms since the epoch: nothing in it was written later. */
  readonly time: number;
}

/** One in a file that has no name any more: it is gone when the program is. */
export interface Spool extends ReceivedSnapshot, AsyncDisposable {}

const trailerLength = 32;

/**
 * Takes etcd's Snapshot stream as fast as it comes, so that etcd never waits for a store. `folder` is to be on a disk of this computer with room for the whole file. Throws `data-damaged` where the
 * stream is not what etcd sent, `store-failed` where the folder does not take it.
 */
export async function spoolSnapshot(folder: string, member: string, stream: AsyncIterable<Uint8Array>, now: () => number): Promise<Spool> {
  const path = join(folder, `spool-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600).catch((error: Error) => unwritten(path, error));
  try {
    await unlink(path);
    return { ...(await receiveSnapshot(file, { path, member, stream, now })), [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Writes the stream, trailer included, to an empty file that is open for reading and writing. Throws as `spoolSnapshot`. */
export async function receiveSnapshot(file: FileHandle, { path, member, stream, now }: { readonly path: string; readonly member: string; readonly stream: AsyncIterable<Uint8Array>; readonly now: () => number }): Promise<ReceivedSnapshot> {
  const hash = createHash('sha256');
  let trailer = Buffer.alloc(0);
  let written = 0;
  let time: number | undefined;
  for await (const piece of stream) {
    time ??= now();
    await file.writeFile(piece).catch((error: Error) => unwritten(path, error));
    written += piece.length;
    // The trailer may come in any pieces: as much as it is long stays behind until the end.
    const pending = Buffer.concat([trailer, piece]);
    const ready = Math.max(0, pending.length - trailerLength);
    hash.update(pending.subarray(0, ready));
    trailer = Buffer.from(pending.subarray(ready));
  }
  const sha256 = hash.digest('hex');
  if (trailer.toString('hex') !== sha256) {
    throw new KubekeepError('data-damaged', `the snapshot of etcd on ${member} is not what etcd sent: its SHA-256 differs (${written} bytes came)`, { hint: 'Run the command again.' });
  }
  const read = (offset: number, length: number) => {
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(file.fd, bytes, 0, length, offset) !== length) throw new KubekeepError('data-damaged', `the snapshot of etcd on ${member} ends too early in ${path}`);
    return bytes;
  };
  return { size: written - trailerLength, sha256, time: time!, read };
}

function unwritten(path: string, error: Error): never {
  throw new KubekeepError('store-failed', `${path} cannot be written: ${error.message}`, { cause: error });
}
