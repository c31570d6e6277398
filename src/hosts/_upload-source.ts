import { open } from 'node:fs/promises';
import { pipeline, Transform, type Readable } from 'node:stream';
import { KubekeepError } from '../lib/errors.ts';

/** A local file to be sent, as a stream of large pieces. Throws `file-missing` before anything was sent. */
export async function openSource(path: string, onBytes?: (sent: number) => void): Promise<Readable> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new KubekeepError('file-missing', `${path} cannot be read (${cause.code})`, { cause });
  });
  const stream = file.createReadStream({ highWaterMark: 1 << 20 });
  if (!onBytes) return stream;
  let sent = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes((sent += chunk.length));
      done(null, chunk);
    },
  });
  // A reader that goes away early closes the file.
  return pipeline(stream, counter, () => {});
}

/** Throws `program-checksum` where a host refused what it received. */
export function refuseWrongChecksum(host: string, target: string, sha256: string | undefined, exitCode: number | undefined): void {
  if (exitCode !== wrongChecksum) return;
  throw new KubekeepError('program-checksum', `${host}: ${target} arrived without its SHA-256 ${sha256}; it was not used`, { hint: 'Run kubekeep programs list --verify, then the same command again.' });
}

/** The exit code of `receiveScript` for it. */
const wrongChecksum = 65;
