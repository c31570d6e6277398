import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { openSnapshot } from '../../backup/open-snapshot.ts';
import { openBolt } from '../../bolt/bolt-file.ts';
import { livingKeys, revisionsOf } from '../../bolt/key-space.ts';

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

/** Throws `data-damaged`. */
export async function readSnapshotFile(path: string, signal: AbortSignal): Promise<SnapshotFile> {
  await using snapshot = await openSnapshot(path);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(piece as Buffer);
  const bolt = openBolt(snapshot);
  return { path, bytes: (await snapshot.file.stat()).size, sha256: hash.digest('hex'), revision: revisionsOf(bolt).current, keys: await livingKeys(bolt, signal) };
}
