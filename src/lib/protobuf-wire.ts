import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** One field of a message: bytes where it has a length or a fixed one, else a number without a sign. */
export interface WireField {
  readonly number: number;
  readonly value: Buffer | bigint;
}

/** The fields of a message of protobuf in their order. Throws a RangeError where it is none. */
export function* wireFields(bytes: Buffer): Generator<WireField> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) yield whole(() => fieldOf(reader));
}

/** Numbers of a list that was packed into one field. Throws a RangeError. */
export function unpacked(bytes: Buffer): bigint[] {
  const reader = new BinaryReader(bytes);
  const found: bigint[] = [];
  while (reader.pos < reader.len) found.push(whole(() => BigInt(reader.uint64())));
  return found;
}

/** The last field of a number that has a length. */
export function bytesField(bytes: Buffer, number: number): Buffer | undefined {
  let found: Buffer | undefined;
  for (const field of wireFields(bytes)) if (field.number === number && typeof field.value !== 'bigint') found = field.value;
  return found;
}

function fieldOf(reader: BinaryReader): WireField {
  const [number, type] = reader.tag();
  switch (type) {
    case WireType.Varint: return { number, value: BigInt(reader.uint64()) };
    case WireType.LengthDelimited: return { number, value: bufferOf(reader.bytes()) };
    case WireType.Bit64:
    case WireType.Bit32: return { number, value: bufferOf(reader.skip(type)) };
    default: throw new RangeError(`field ${number} has wire type ${type}`);
  }
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** What the reader throws is of several kinds. */
function whole<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error });
  }
}
