import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompressSync, zstdDecompress, zstdDecompressSync, type ZstdOptions } from 'node:zlib';
import { KubekeepError } from '../../lib/errors.ts';

/** docs/design/repository-format.md, section 5. */
const magic = Buffer.from('KKP1');
const kinds = { pack: 1, table: 2, index: 3, segment: 4, sealed: 5, entry: 6 } as const;
const scopes = { structure: 0, data: 1, escrow: 2 } as const;
const headerLength = 60;
const tagLength = 16;
const mostPlain = 64 << 20;
const nonce = Buffer.alloc(12);

export type ObjectKind = keyof typeof kinds;

/** A key that objects' own keys are derived from. */
export interface ObjectKey {
  readonly scope: keyof typeof scopes;
  /** 16 bytes; zeros for the structure key. */
  readonly capture: Uint8Array;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export interface ObjectContext {
  /** Repository id, 16 bytes. */
  readonly repository: Uint8Array;
  readonly kind: ObjectKind;
}

/** Compresses and encrypts. Each call uses a key of its own, so that the fixed nonce encrypts one text only. */
export function encryptObject(plain: Uint8Array, { repository, kind }: ObjectContext, { scope, capture, key }: ObjectKey): Buffer {
  if (plain.length > mostPlain) throw new RangeError(`${plain.length} bytes are too many for one object of a repository`);
  const header = Buffer.alloc(headerLength);
  magic.copy(header);
  header[4] = kinds[kind];
  header[5] = scopes[scope];
  header.set(capture, 8);
  header.set(randomBytes(32), 24);
  header.writeUInt32LE(plain.length, 56);
  const cipher = createCipheriv('aes-256-gcm', objectKey(key, header), nonce);
  cipher.setAAD(Buffer.concat([repository, header]));
  const body = cipher.update(compressed(plain));
  return Buffer.concat([header, body, cipher.final(), cipher.getAuthTag()]);
}

/** The capture whose key opens the object: 32 hexadecimal digits. Throws `repository-damaged`. */
export function captureOf(bytes: Uint8Array, name: string): string {
  if (bytes.length < headerLength + tagLength || !magic.equals(bytes.subarray(0, 4))) throw damaged(name, 'it is not an object of a repository');
  return Buffer.from(bytes.subarray(8, 24)).toString('hex');
}

/** The plain text. Throws `repository-damaged` where the object is not exactly what was written under that key, as that kind, in that repository. */
export function decryptObject(bytes: Uint8Array, context: NamedContext, key: ObjectKey): Buffer {
  const { frame, length } = opened(bytes, context, key);
  try {
    return whole(zstdDecompressSync(frame, unpackOptions(length)), length);
  } catch (error) {
    throw notUnpacked(context, error);
  }
}

/** The same. What is large is unpacked on another thread, while this one goes on. */
export async function decryptLarge(bytes: Uint8Array, context: NamedContext, key: ObjectKey): Promise<Buffer> {
  const { frame, length } = opened(bytes, context, key);
  try {
    return whole(length < large ? zstdDecompressSync(frame, unpackOptions(length)) : await decompress(frame, unpackOptions(length)), length);
  } catch (error) {
    throw notUnpacked(context, error);
  }
}

type NamedContext = ObjectContext & { readonly name: string };

interface Packed {
  readonly frame: Uint8Array;
  /** Of what is in it. */
  readonly length: number;
}

function opened(bytes: Uint8Array, { repository, kind, name }: NamedContext, { scope, capture, key }: ObjectKey): Packed {
  if (captureOf(bytes, name) !== Buffer.from(capture).toString('hex') || bytes[5] !== scopes[scope]) throw damaged(name, 'it belongs to another key');
  const header = Buffer.from(bytes.subarray(0, headerLength));
  if (header[4] !== kinds[kind]) throw damaged(name, `it is no ${kind}`);
  const length = header.readUInt32LE(56);
  if (length > mostPlain) throw damaged(name, `it claims to hold ${length} bytes`);
  const decipher = createDecipheriv('aes-256-gcm', objectKey(key, header), nonce, { authTagLength: tagLength });
  decipher.setAAD(Buffer.concat([repository, header]));
  decipher.setAuthTag(bytes.subarray(bytes.length - tagLength));
  const frame = decipher.update(bytes.subarray(headerLength, bytes.length - tagLength));
  try {
    decipher.final();
  } catch (error) {
    const other = scope === 'structure' ? 'not in this repository' : `the key in ${scope === 'data' ? 'captures' : 'escrow'}/${Buffer.from(capture).toString('hex')} is another one`;
    throw damaged(name, `its bytes are not those that were written, or ${other}`, error);
  }
  return { frame, length };
}

/** SHA-256 of the stored bytes in hexadecimal digits: the last part of an object's name. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function damaged(name: string, why: string, cause?: unknown): KubekeepError {
  return new KubekeepError('repository-damaged', `${name}: ${why}`, { hint: 'kubekeep backup verify --data all says which points need it; the others can be restored. A copy of the place may still have it.', cause });
}

/** Reads what stands in an object. Throws `repository-damaged` where `read` throws a RangeError. */
export function readable<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw damaged(name, error.message, error);
    throw error;
  }
}

function objectKey(key: Uint8Array, header: Buffer): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, header.subarray(24, 56), 'kubekeep/1 object', 32));
}

function compressed(plain: Uint8Array): Buffer {
  return zstdCompressSync(plain, {
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_contentSizeFlag]: 1 },
  });
}

/** From so many bytes on, another thread unpacks. */
const large = 256 << 10;
const decompress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress);

/** Bytes more than what is unpacked, so that it comes in one piece: behind one that is full zlib makes another, and puts them together. */
const unpackRoom = 64;

function unpackOptions(length: number): ZstdOptions {
  return { maxOutputLength: Math.max(1, length), chunkSize: length + unpackRoom };
}

/** Node 24 stops after the first of several frames without a word; the length shows it. */
function whole(plain: Buffer, length: number): Buffer {
  if (plain.length !== length) throw new Error(`${plain.length} bytes instead of ${length}`);
  return plain;
}

function notUnpacked({ name }: NamedContext, error: unknown): KubekeepError {
  return damaged(name, `its content cannot be unpacked: ${(error as Error).message}`, error);
}
