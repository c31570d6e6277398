import { WireReader, wire } from './wire-reader.ts';

/** One field of a message: bytes where it has a length or a fixed one, else a number without a sign. */
export interface WireField {
  readonly number: number;
  readonly value: Buffer | bigint;
}

/** The fields of a message of protobuf in their order. Throws a RangeError where it is none. */
export function* wireFields(bytes: Buffer): Generator<WireField> {
  const reader = new WireReader(bytes);
  while (reader.more) {
    const tag = reader.tag();
    yield { number: tag >>> 3, value: wireValue(reader, tag) };
  }
}

/** What stands behind a tag. Throws a RangeError. */
export function wireValue(reader: WireReader, tag: number): Buffer | bigint {
  switch (tag & 7) {
    case wire.varint: return BigInt(reader.varint());
    case wire.length: return reader.bytes();
    case wire.bit64: return reader.fixed(8);
    case wire.bit32: return reader.fixed(4);
    default: throw new RangeError(`field ${tag >>> 3} has wire type ${tag & 7}`);
  }
}

/** Numbers of a list that was packed into one field. Throws a RangeError. */
export function unpacked(bytes: Buffer): bigint[] {
  const reader = new WireReader(bytes);
  const found: bigint[] = [];
  while (reader.more) found.push(BigInt(reader.varint()));
  return found;
}

/** The last field of a number that has a length. */
export function bytesField(bytes: Buffer, number: number): Buffer | undefined {
  let found: Buffer | undefined;
  for (const field of wireFields(bytes)) if (field.number === number && typeof field.value !== 'bigint') found = field.value;
  return found;
}
