import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { trailerLength } from '../bolt/open-file.ts';

const blockSize = 1 << 20;

/**
 * Writes a stream whose last 32 bytes are a trailer, hashing one block while the one before is written: pieces are of 32 KiB, and to wait for each of them takes longer than to write it. A block has
 * before it the last 32 bytes of the one before, which belong to the hash once more follows.
 */
export class BlockWriter {
  readonly #file: FileHandle;
  readonly #onWritten: (size: number) => void;
  readonly #hash = createHash('sha256');
  #block = Buffer.alloc(trailerLength + blockSize);
  #spare = Buffer.alloc(trailerLength + blockSize);
  #filled = trailerLength;
  #received = 0;
  #written = 0;
  #writing: Promise<void> = Promise.resolve();

  /** `onWritten` is told how many bytes can be read that are surely no trailer. */
  constructor(file: FileHandle, onWritten: (size: number) => void) {
    this.#file = file;
    this.#onWritten = onWritten;
  }

  /** Rejects where this block, or the one before, cannot be written. */
  async add(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + this.#block.length - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#block.length) await this.#turn();
    }
  }

  /** All was written. Hash without the trailer, and trailer, in hexadecimal digits. */
  async end(): Promise<{ readonly sha256: string; readonly trailer: string; readonly received: number }> {
    await this.#turn();
    await this.#writing;
    return { sha256: this.#hash.digest('hex'), trailer: this.#block.toString('hex', 0, trailerLength), received: this.#received };
  }

  /** Until nothing is written any more, whatever came of it. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => {});
  }

  async #turn(): Promise<void> {
    await this.#writing;
    const [block, end] = [this.#block, this.#filled];
    this.#writing = this.#write(block.subarray(trailerLength, end));
    // Whoever waits for it next is told.
    this.#writing.catch(() => {});
    this.#hash.update(block.subarray(this.#received === 0 ? trailerLength : 0, end - trailerLength));
    this.#received += end - trailerLength;
    block.copy(this.#spare, 0, end - trailerLength, end);
    [this.#block, this.#spare, this.#filled] = [this.#spare, block, trailerLength];
  }

  async #write(bytes: Buffer): Promise<void> {
    await this.#file.writeFile(bytes);
    this.#written += bytes.length;
    this.#onWritten(Math.max(0, this.#written - trailerLength));
  }
}
