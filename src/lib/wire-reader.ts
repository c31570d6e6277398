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

  /** The same as UTF-8. */
  text(): string {
    const end = this.#block();
    const from = this.#at;
    this.#at = end;
    return texts.at(this.#bytes, from, end);
  }

  /** Goes into the next message: until it is left `more` speaks of that one. What `leave` has to be given. */
  enter(): number {
    const end = this.#block();
    const outer = this.#end;
    this.#end = end;
    return outer;
  }

  /** Goes out of a message of which all was read. */
  leave(outer: number): void {
    if (this.#at !== this.#end) throw new RangeError('a message has more than was read of it');
    this.#end = outer;
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#pass(8));
  }

  /** Goes past what stands behind a tag. */
  skip(tag: number): void {
    switch (tag & 7) {
      case wire.varint: this.varint(); break;
      case wire.length: this.#at = this.#block(); break;
      case wire.bit64: this.#pass(8); break;
      case wire.bit32: this.#pass(4); break;
      default: throw new RangeError(`field ${tag >>> 3} has wire type ${tag & 7}`);
    }
  }

  /** Where so many of the next bytes begin. */
  #pass(length: number): number {
    if (this.#at + length > this.#end) throw new RangeError('it ends too early');
    this.#at += length;
    return this.#at - length;
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

/** Longer ones are seldom the same. */
const longestText = 40;
const mostTexts = 4096;

/** Texts that are short mostly come again and again: they are the same strings then, and are not made anew. */
class Texts {
  readonly #texts = Array.from({ length: mostTexts }, () => '');
  /** Of each text its bytes, so that it can be compared with others. */
  readonly #bytes = new Uint8Array(mostTexts * longestText);

  at(bytes: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length > longestText) return bytes.toString('utf8', from, to);
    let [hash, all] = [length, 0];
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      all |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (all > 127) return bytes.toString('utf8', from, to);
    const place = (hash ^ (hash >>> 15)) & (mostTexts - 1);
    const known = this.#texts[place]!;
    if (known.length === length && this.#isAt(place, bytes, from, length)) return known;
    for (let at = 0; at < length; at++) this.#bytes[place * longestText + at] = bytes[from + at]!;
    return (this.#texts[place] = bytes.toString('latin1', from, to));
  }

  #isAt(place: number, bytes: Buffer, from: number, length: number): boolean {
    const kept = this.#bytes;
    for (let at = 0, keptAt = place * longestText; at < length; at++, keptAt++) if (kept[keptAt] !== bytes[from + at]) return false;
    return true;
  }
}

const texts = new Texts();
