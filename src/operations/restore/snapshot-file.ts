import { openSnapshot } from '../../backup/open-snapshot.ts';
import { openBolt } from '../../bolt/bolt-file.ts';
import { livingKeys, revisionsOf } from '../../bolt/key-space.ts';

/** A snapshot of etcd in a file of this computer, with the SHA-256 behind it that `etcdctl snapshot save` appends. */
export interface SnapshotFile {
  readonly path: string;
  /** Of the whole file. */
  readonly bytes: number;
  readonly revision: number;
  /** Each with the revision that wrote it last. */
  readonly keys: ReadonlyMap<string, number>;
}

/** Throws `data-damaged`. */
export async function readSnapshotFile(path: string, signal: AbortSignal): Promise<SnapshotFile> {
  await using snapshot = await openSnapshot(path);
  const bolt = openBolt(snapshot);
  return { path, bytes: (await snapshot.file.stat()).size, revision: revisionsOf(bolt).current, keys: await livingKeys(bolt, signal) };
}
