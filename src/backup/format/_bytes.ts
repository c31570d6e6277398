/** Grows as it is written. Integers are unsigned LEB128. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  /** `room`: bytes that it will mostly be; to grow takes three times as much memory for a moment. */
  constructor(room = 256) {
    this.#bytes = Buffer.allocUnsafeSlow(room);
  }

  number(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}

/** Reads what a ByteWriter wrote; throws a RangeError where there is less, or a number beyond 2^53. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    const first = this.#bytes[this.#at]!;
    // Most are small.
    if (first < 128) {
      this.#at++;
      return first;
    }
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('it ends too early');
      value += (byte & 0x7f) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large');
      if (byte < 128) return value;
    }
  }

  raw(count: number): Buffer {
    this.pass(count);
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** Copies what `raw` would give. Byte by byte: for the few that it is used for, everything else takes longer. */
  copy(count: number, target: Uint8Array, at: number): void {
    this.pass(count);
    const from = this.#at - count;
    for (let index = 0; index < count; index++) target[at + index] = this.#bytes[from + index]!;
  }

  /** The byte that is read next; none at the end. */
  get next(): number | undefined {
    return this.#bytes[this.#at];
  }

  pass(count: number): void {
    if (count > this.left) throw new RangeError('it ends too early');
    this.#at += count;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  end(): void {
    if (this.left > 0) throw new RangeError('there is more behind its end');
  }
}
