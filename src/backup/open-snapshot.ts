import { writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { ReadWriteAt } from '../bolt/grow-bolt.ts';
import { readFrom, trailerLength } from '../bolt/open-file.ts';

/** etcd's backend file in a snapshot on this computer: all but the SHA-256 behind it. Only one that was opened for it can be written. */
export interface OpenSnapshot extends ReadWriteAt, AsyncDisposable {
  readonly file: FileHandle;
}

/** Throws `data-damaged`, also later, where the file ends too early. */
export async function openSnapshot(path: string, flags: 'r' | 'r+' = 'r'): Promise<OpenSnapshot> {
  const file = await open(path, flags);
  const { size } = await file.stat();
  return {
    ...readFrom(file.fd, size - trailerLength),
    file,
    write(offset, bytes) {
      for (let done = 0; done < bytes.length; ) done += writeSync(file.fd, bytes, done, bytes.length - done, offset + done);
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
