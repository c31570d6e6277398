import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';

export interface ZipFile {
  readonly name: string;
  readonly content: Buffer;
}

/**
 * The files of a zip archive, one after the other. Reads what Go module archives consist of: stored or deflated files, without
 * encryption and without zip64. Throws a plain Error on anything else, and on an archive that is cut short.
 */
export async function* readZip(path: string): AsyncGenerator<ZipFile> {
  const file = await open(path, 'r');
  try {
    for (const entry of await readDirectory(file)) yield { name: entry.name, content: await readContent(file, entry) };
  } finally {
    await file.close();
  }
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly packedSize: number;
  readonly size: number;
  readonly offset: number;
}

const endSize = 22;

/** The central directory stands at the end of the archive, found by the end record behind it. */
async function readDirectory(file: FileHandle): Promise<Entry[]> {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - endSize - 0xffff), Math.min(size, endSize + 0xffff));
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06'));
  if (end < 0) throw new Error('not a zip archive, or cut short');
  const count = tail.readUInt16LE(end + 10);
  const directory = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Entry[] = [];
  for (let at = 0, n = 0; n < count; n++) {
    if (directory.readUInt32LE(at) !== 0x02014b50) throw new Error('the directory of the zip archive is damaged');
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    entries.push({
      name,
      method: directory.readUInt16LE(at + 10),
      packedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries.filter(({ name }) => !name.endsWith('/'));
}

async function readContent(file: FileHandle, { name, method, packedSize, size, offset }: Entry): Promise<Buffer> {
  const header = await readAt(file, offset, 30);
  if (header.readUInt32LE(0) !== 0x04034b50) throw new Error(`the zip archive is damaged at ${name}`);
  const packed = await readAt(file, offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28), packedSize);
  if (method !== 0 && method !== 8) throw new Error(`${name} is packed with an unknown method`);
  const content = method === 0 ? packed : await promisify(inflateRaw)(packed, { maxOutputLength: Math.max(1, size) });
  if (content.length !== size) throw new Error(`${name} has a wrong size in the zip archive`);
  return content;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error('the zip archive is cut short');
  return buffer;
}
