import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { openBolt } from '../../bolt/bolt-file.ts';
import { livingKeys, revisionsOf } from '../../bolt/key-space.ts';
import { readFrom } from '../../bolt/open-file.ts';

/** A snapshot of etcd in a file of this computer, with the SHA-256 behind it that `etcdctl snapshot save` appends. */
export interface SnapshotFile {
  readonly path: string;
  /** Of the whole file. */
  readonly bytes: number;
  readonly sha256: string;
  readonly revision: number;
  /** Each with the revision that wrote it last. */
  readonly keys: ReadonlyMap<string, number>;
}

const trailer = 32;

/** Throws `data-damaged`. */
export async function readSnapshotFile(path: string, signal: AbortSignal): Promise<SnapshotFile> {
  const { size } = await stat(path);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(piece as Buffer);
  const descriptor = openSync(path, 'r');
  try {
    const bolt = openBolt(readFrom(descriptor, size - trailer));
    return { path, bytes: size, sha256: hash.digest('hex'), revision: revisionsOf(bolt).current, keys: await livingKeys(bolt, signal) };
  } finally {
    closeSync(descriptor);
  }
}
