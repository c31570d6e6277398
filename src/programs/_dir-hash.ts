import { createHash } from 'node:crypto';

export interface HashedFile {
  /** Path as in the archive, with forward slashes. */
  readonly name: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

/**
 * The `h1:` sum of the Go checksum database for a module archive: the SHA-256, in base64, of one line `SHA256  NAME` for each file, by
 * name in byte order.
 */
export function directoryHash(files: readonly HashedFile[]): string {
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const lines = sorted.map(({ name, sha256 }) => {
    if (name.includes('\n')) throw new TypeError('a file name with a line break has no directory hash');
    return `${sha256}  ${name}\n`;
  });
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`;
}
