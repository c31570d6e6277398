/** Walks through a message of protobuf without a copy of its parts. Everything throws a RangeError where the bytes are none. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Whether the message that is read has more fields. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** Number of the field, and in the last three bits how its value is written. */
  tag(): number {
    const tag = this.varint();
    if (typeof tag === 'bigint' || tag < 8 || tag > 0xffffffff) throw new RangeError(`${tag} begins no field`);
    return tag;
  }

  /** Without a sign; beyond 2^53 a bigint. */
  varint(): number | bigint {
    const bytes = this.#bytes;
    let value = 0;
    for (let factor = 1, at = this.#at; at < this.#end; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 128) {
        const before = this.#at;
        this.#at = at;
        return value <= Number.MAX_SAFE_INTEGER ? value : this.#exact(before, at);
      }
      if (at - this.#at === 10) break;
    }
    throw new RangeError('a number has no end');
  }

  /** The next bytes with a length before them, as they lie in the message. */
  bytes(): Buffer {
    const end = this.#block();
    const from = this.#at;
    this.#at = end;
    return this.#bytes.subarray(from, end);
  }

  text(): string {
    const end = this.#block();
    const from = this.#at;
    this.#at = end;
    return this.#bytes.toString('utf8', from, end);
  }

  /** The next message: until `read` has come back `more` speaks of that one, all of which it has to read. */
  within<T>(read: () => T): T {
    const end = this.#block();
    const outer = this.#end;
    this.#end = end;
    const found = read();
    if (this.#at !== end) throw new RangeError('a message has more than was read of it');
    this.#end = outer;
    return found;
  }

  /** So many of the next bytes. */
  fixed(length: 4 | 8): Buffer {
    if (this.#at + length > this.#end) throw new RangeError('it ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #block(): number {
    const length = this.varint();
    if (typeof length === 'bigint' || length > this.#end - this.#at) throw new RangeError('it ends too early');
    return this.#at + length;
  }

  #exact(from: number, to: number): bigint {
    let value = 0n;
    for (let at = to - 1; at >= from; at--) value = (value << 7n) | BigInt(this.#bytes[at]! & 0x7f);
    return BigInt.asUintN(64, value);
  }
}

/** How a value is written: the last three bits of a tag. */
export const wire = { varint: 0, bit64: 1, length: 2, bit32: 5 } as const;
