import { readSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { ReadWriteAt } from '../bolt/grow-bolt.ts';
import { KubekeepError } from '../lib/errors.ts';

/** etcd's backend file in a snapshot on this computer: all but the SHA-256 behind it. Only one that was opened for it can be written. */
export interface OpenSnapshot extends ReadWriteAt, AsyncDisposable {
  readonly file: FileHandle;
}

/** Bytes of a SHA-256, which `etcdctl snapshot save` writes behind the file. */
export const trailerLength = 32;

/** Throws `data-damaged`, also later, where the file ends too early. */
export async function openSnapshot(path: string, flags: 'r' | 'r+' = 'r'): Promise<OpenSnapshot> {
  const file = await open(path, flags);
  const { size } = await file.stat();
  return {
    file,
    size: size - trailerLength,
    read(offset, length) {
      const bytes = Buffer.allocUnsafe(length);
      if (readSync(file.fd, bytes, 0, length, offset) !== length) throw new KubekeepError('data-damaged', `${path} ends too early`);
      return bytes;
    },
    write(offset, bytes) {
      for (let done = 0; done < bytes.length; ) done += writeSync(file.fd, bytes, done, bytes.length - done, offset + done);
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
