import { randomBytes } from 'node:crypto';

export const pageSize = 4096;

/** Two meta pages that name each other's size, and pages of anything: the one where the tree begins is none. */
export function backendFile(pages: number): Buffer {
  const bytes = randomBytes(pages * pageSize).fill(0xff, 3 * pageSize, 4 * pageSize);
  for (const at of [16, pageSize + 16]) {
    bytes.writeUInt32LE(0xed0cdaed, at);
    bytes.writeUInt32LE(2, at + 4);
    bytes.writeUInt32LE(pageSize, at + 8);
    bytes.writeBigUInt64LE(3n, at + 16);
    bytes.writeBigUInt64LE(BigInt(pages), at + 40);
    let hash = 0xcbf29ce484222325n;
    for (const byte of bytes.subarray(at, at + 56)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
    bytes.writeBigUInt64LE(hash, at + 56);
  }
  return bytes;
}
