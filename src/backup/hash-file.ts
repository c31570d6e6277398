import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const pieceLength = 1 << 20;

/** SHA-256 of the first `length` bytes of a file, or of as many as it has. In one buffer: those of a stream are garbage that gathers faster than it is collected. */
export async function hashFile(file: FileHandle, length: number, signal?: AbortSignal): Promise<Buffer> {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(pieceLength);
  for (let at = 0; at < length; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(piece, 0, Math.min(pieceLength, length - at), at);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest();
}
