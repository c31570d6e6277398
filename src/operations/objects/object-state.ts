import { open } from 'node:fs/promises';
import { basePages } from '../../backup/base-pages.ts';
import type { CaptureKeys } from '../../backup/captures.ts';
import { readLog } from '../../backup/change-log/read-log.ts';
import type { Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { filePages } from '../../bolt/file-pages.ts';
import { newestValues, type KeyValue } from '../../bolt/newest-values.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Operation } from '../operation.ts';

/** All that etcd had at one moment, read where it is kept: nothing is restored for it. */
export interface ObjectState {
  /** For sentences: "revision 120, captured 2026-11-25T14:02:00.000Z", "snap.db". */
  readonly called: string;
  /** The values of the keys that are wanted. */
  values(wanted: (key: string) => boolean): Promise<ReadonlyMap<string, KeyValue>>;
  /** The value of one key; undefined where there was none. */
  value(key: string): Promise<KeyValue | undefined>;
}

type Work = Pick<Operation, 'progress' | 'clock' | 'signal'>;

/** What a repository has of a point: its base, and the log from there. */
export function stateAt(work: Work, repository: Repository, { point, keys }: { readonly point: Point; readonly keys: CaptureKeys }): ObjectState {
  const { signal } = work;
  const { base, revision, time } = point;
  const read = async (wanted: (key: string) => boolean, changed: ReadonlyMap<string, KeyValue | undefined>): Promise<ReadonlyMap<string, KeyValue>> => {
    const pages = await basePages(repository, base, keys, told(work, `reading base ${base.number}`, base.length));
    const found = await newestValues(pages, wanted, { signal });
    for (const [key, value] of changed) {
      if (value) found.set(key, value);
      else found.delete(key);
    }
    return found;
  };
  const changes = async (wanted: (key: string) => boolean): Promise<ReadonlyMap<string, KeyValue | undefined>> => {
    const found = new Map<string, KeyValue | undefined>();
    if (revision === base.revision) return found;
    for await (const { records } of readLog(repository, { timeline: base.timeline, first: base.revision + 1, last: revision }, keys)) {
      signal.throwIfAborted();
      for (const { changes: all } of records) {
        for (const { key: bytes, value, revision: written } of all) {
          const key = Buffer.from(bytes).toString('latin1');
          if (wanted(key)) found.set(key, value && { value: Buffer.from(value), revision: written });
        }
      }
    }
    return found;
  };
  return {
    called: `revision ${revision}, ${revision === base.revision ? `taken ${new Date(time).toISOString()}` : `captured ${new Date(time).toISOString()}`}`,
    values: async (wanted) => read(wanted, await changes(wanted)),
    async value(key) {
      const wanted = (one: string) => one === key;
      const changed = await changes(wanted);
      // What the log says of it makes the base needless.
      return changed.has(key) ? changed.get(key) : (await read(wanted, changed)).get(key);
    },
  };
}

/** What a file has that etcd, etcdctl or `restore file` wrote. Throws `file-missing`, `data-damaged`. */
export function stateOfFile(work: Work, path: string): ObjectState {
  const values = async (wanted: (key: string) => boolean): Promise<ReadonlyMap<string, KeyValue>> => {
    await using file = await open(path).catch((cause: NodeJS.ErrnoException) => {
      throw new KubekeepError('file-missing', `${path} cannot be read: ${cause.code === 'ENOENT' ? 'it does not exist' : cause.message}`, { cause });
    });
    const stat = await file.stat();
    if (stat.isDirectory()) throw new KubekeepError('file-missing', `${path} is a folder`, { hint: 'Name a snapshot, or the file member/snap/db of an etcd that is stopped.' });
    // Before the file is closed.
    return await newestValues(await filePages(file, told(work, `reading ${path}`, stat.size)), wanted, { signal: work.signal });
  };
  return { called: path, values, value: async (key) => (await values((one) => one === key)).get(key) };
}

/** Only where it takes longer than a second, and not of the end. */
function told({ progress, clock }: Work, title: string, total: number): (bytes: number) => void {
  const start = clock.monotonic();
  return (bytes) => {
    if (clock.monotonic() - start > 1000 && bytes < total) progress({ type: 'bytes', title, step: 'objects/read', bytes, total });
  };
}
