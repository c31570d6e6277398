import { openBolt } from '../bolt/bolt-file.ts';
import { trailerLength } from '../bolt/open-file.ts';
import { extendSnapshot, type ExtendOptions } from './extend-snapshot.ts';
import type { Segment } from './format/segment.ts';
import { openSnapshot } from './open-snapshot.ts';

/**
 * `extendSnapshot`, and the way back to what the file was: what is added lies behind it, and before that only both meta pages change. Where it throws, the file is neither.
 */
export async function moveSnapshot(path: string, log: AsyncIterable<Segment>, options: ExtendOptions): Promise<() => Promise<void>> {
  const before = await ends(path);
  await extendSnapshot(path, log, options);
  return async () => {
    await using snapshot = await openSnapshot(path, 'r+');
    await snapshot.file.truncate(before.length);
    snapshot.write(0, before.head);
    snapshot.write(before.length, before.trailer);
  };
}

async function ends(path: string): Promise<{ readonly length: number; readonly head: Buffer; readonly trailer: Buffer }> {
  await using snapshot = await openSnapshot(path);
  const { pageSize } = openBolt(snapshot);
  const trailer = Buffer.alloc(trailerLength);
  await snapshot.file.read(trailer, 0, trailerLength, snapshot.size);
  return { length: snapshot.size, head: Buffer.from(snapshot.read(0, 2 * pageSize)), trailer };
}
