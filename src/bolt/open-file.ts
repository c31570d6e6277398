import { readSync } from 'node:fs';
import { broken, type ReadAt } from './bolt-file.ts';

/** Bytes of the SHA-256 of all before, which etcd's Snapshot stream ends with and `etcdctl snapshot save` keeps. */
export const trailerLength = 32;

/** The first `size` bytes of a backend file by its descriptor, which whoever opened it closes. */
export function readFrom(descriptor: number, size: number): ReadAt {
  return {
    size,
    read(offset, length, into) {
      const bytes = into && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafe(length);
      if (readSync(descriptor, bytes, 0, length, offset) !== length) throw broken(`it ends before byte ${offset + length}`);
      return bytes;
    },
  };
}
