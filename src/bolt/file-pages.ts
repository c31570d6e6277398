import type { FileHandle } from 'node:fs/promises';
import { broken } from './bolt-file.ts';
import { trailerLength } from './open-file.ts';
import { acrossPieces, piecesOnce } from './pieces-once.ts';
import type { PageSource } from './scan-bucket.ts';

const pieceLength = 4 << 20;

/** A backend file on this computer, as etcd has it or as `etcdctl snapshot save` wrote it. `onBytes` hears how many bytes have been read. */
export async function filePages(file: FileHandle, onBytes?: (bytes: number) => void): Promise<PageSource> {
  const { size: length } = await file.stat();
  const size = length % 512 === trailerLength ? length - trailerLength : length;
  const piece = piecesOnce(async (number) => {
    const [offset, wanted] = [number * pieceLength, Math.min(pieceLength, size - number * pieceLength)];
    const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, offset);
    if (bytesRead !== wanted) throw broken(`it ended while it was read, at offset ${offset + bytesRead}`);
    return buffer;
  }, onBytes);
  return {
    size,
    place: (offset) => Math.floor(offset / pieceLength),
    read: acrossPieces(pieceLength, piece),
  };
}
