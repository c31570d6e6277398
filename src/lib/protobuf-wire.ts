/** One field of a message: bytes where it has a length or a fixed one, else a number. */
export interface WireField {
  readonly number: number;
  readonly value: Buffer | bigint;
}

/** The fields of a message of protobuf in their order. Throws a RangeError where it is none. */
export function* wireFields(bytes: Buffer): Generator<WireField> {
  const reader = new WireReader(bytes);
  while (reader.at < bytes.length) {
    const tag = reader.small();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (number === 0) throw new RangeError('a field has number 0');
    if (type === 0) yield { number, value: reader.varint() };
    else if (type === 1) yield { number, value: reader.bytes(8) };
    else if (type === 2) yield { number, value: reader.bytes(reader.small()) };
    else if (type === 5) yield { number, value: reader.bytes(4) };
    else throw new RangeError(`field ${number} has wire type ${type}`);
  }
}

/** Numbers of a list that was packed into one field. Throws a RangeError. */
export function unpacked(bytes: Buffer): bigint[] {
  const reader = new WireReader(bytes);
  const found: bigint[] = [];
  while (reader.at < bytes.length) found.push(reader.varint());
  return found;
}

/** The last field of a number that has a length. */
export function bytesField(bytes: Buffer, number: number): Buffer | undefined {
  let found: Buffer | undefined;
  for (const field of wireFields(bytes)) if (field.number === number && typeof field.value !== 'bigint') found = field.value;
  return found;
}

class WireReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Up to 2^53: a tag or a length. */
  small(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 42; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError('a length is absurd');
  }

  /** 64 bits, as a number without a sign. */
  varint(): bigint {
    const [start, short] = [this.at, this.#short()];
    if (short !== undefined) return BigInt(short);
    this.at = start;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number is absurd');
  }

  bytes(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new RangeError('a field reaches beyond its end');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** Nearly all numbers have less than 29 bits. */
  #short(): number | undefined {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 128) return value;
    }
    return undefined;
  }

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError('it is cut short');
    return byte;
  }
}
