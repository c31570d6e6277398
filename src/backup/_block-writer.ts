import type { FileHandle } from 'node:fs/promises';
import { trailerLength } from '../bolt/open-file.ts';

const blockSize = 1 << 20;

/** Writes a stream whose last 32 bytes are a trailer, a block at a time while the next one comes: pieces are of 32 KiB, and to wait for each of them takes longer than to write it. */
export class BlockWriter {
  readonly #file: FileHandle;
  readonly #onWritten: (size: number) => void;
  #pieces: Uint8Array[] = [];
  #filled = 0;
  #written = 0;
  #writing: Promise<void> = Promise.resolve();

  /** `onWritten` is told how many bytes can be read that are surely no trailer. */
  constructor(file: FileHandle, onWritten: (size: number) => void) {
    this.#file = file;
    this.#onWritten = onWritten;
  }

  /** Keeps the piece until it is written. Rejects where the block before cannot be. */
  async add(piece: Uint8Array): Promise<void> {
    this.#pieces.push(piece);
    this.#filled += piece.length;
    if (this.#filled >= blockSize) await this.#turn();
  }

  /** All was written: so many bytes. */
  async end(): Promise<number> {
    await this.#turn();
    await this.#writing;
    return this.#written;
  }

  /** Until nothing is written any more, whatever came of it. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => {});
  }

  async #turn(): Promise<void> {
    await this.#writing;
    this.#writing = this.#write(this.#pieces, this.#filled);
    // Whoever waits for it next is told.
    this.#writing.catch(() => {});
    [this.#pieces, this.#filled] = [[], 0];
  }

  /** The kernel may take a part, as it does before a disk is full. */
  async #write(pieces: readonly Uint8Array[], length: number): Promise<void> {
    const { bytesWritten } = await this.#file.writev(pieces);
    if (bytesWritten < length) await this.#file.writeFile(Buffer.concat(pieces).subarray(bytesWritten));
    this.#written += length;
    this.#onWritten(Math.max(0, this.#written - trailerLength));
  }
}
