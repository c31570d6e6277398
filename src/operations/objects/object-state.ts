import { open } from 'node:fs/promises';
import { baseValues, type Values } from '../../backup/base-values.ts';
import type { CaptureKeys } from '../../backup/captures.ts';
import type { WantedKeys } from '../../backup/format/key-index.ts';
import type { Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { filePages } from '../../bolt/file-pages.ts';
import { newestValues, type KeyValue } from '../../bolt/newest-values.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Operation } from '../operation.ts';
import { databaseFile } from './database-file.ts';
import { newestChanges } from './newest-changes.ts';

/** All that etcd had at one moment, read where it is kept: nothing is restored for it. */
export interface ObjectState {
  /** For sentences: "revision 120, captured 2026-11-25T14:02:00.000Z", "snap.db". */
  readonly called: string;
  /** The values of the keys that are wanted, some at a time and in no order. */
  each(wanted: (key: string) => boolean): AsyncIterable<Values>;
  /** The values of keys that are known, of those that had one: no more is read than it takes to find them. */
  values(keys: ReadonlySet<string>): Promise<ReadonlyMap<string, KeyValue>>;
}

/** All at once. */
export async function allOf(values: AsyncIterable<Values>): Promise<ReadonlyMap<string, KeyValue>> {
  const found = new Map<string, KeyValue>();
  for await (const some of values) for (const [key, value] of some) found.set(key, value);
  return found;
}

type Work = Pick<Operation, 'progress' | 'clock' | 'signal'>;

/** What a repository has of a point: its base, and the log from there. */
export function stateAt(work: Work, repository: Repository, { point, keys }: { readonly point: Point; readonly keys: CaptureKeys }): ObjectState {
  const { signal, progress } = work;
  const { base, revision, time } = point;
  const onIndex = ({ message }: KubekeepError) => progress({ type: 'note', title: `the key index of base ${base.number} cannot be used, so all of the base is read: ${message}`, step: 'objects/index' });
  const inBase = (wanted: WantedKeys) => baseValues(repository, base, keys, { wanted, signal, onBytes: told(work, `reading base ${base.number}`, base.length), onIndex });
  const range = { timeline: base.timeline, after: base.revision, upTo: revision };
  return {
    called: `revision ${revision}, ${revision === base.revision ? `taken ${new Date(time).toISOString()}` : `captured ${new Date(time).toISOString()}`}`,
    async *each(wanted) {
      const changed = await newestChanges(work, repository, keys, range, wanted);
      yield* inBase((key) => !changed.has(key) && wanted(key));
      yield there(changed);
    },
    async values(wanted) {
      const changed = await newestChanges(work, repository, keys, range, wanted);
      // What the log says of all of them makes the base needless.
      const left = wanted.difference(changed);
      return new Map([...there(changed), ...(left.size === 0 ? [] : await allOf(inBase(left)))]);
    },
  };
}

/** What a file has that etcd, etcdctl or `restore file` wrote: `databaseFile` says which may be named. Throws `file-missing`, `usage`, `data-damaged`. */
export function stateOfFile(work: Work, path: string, options: { readonly copy: boolean }): ObjectState {
  const each = async function* (wanted: (key: string) => boolean): AsyncGenerator<Values> {
    await using database = await databaseFile(path, options);
    await using file = await open(database.path).catch((cause: NodeJS.ErrnoException) => {
      throw new KubekeepError('file-missing', `${path} cannot be read: ${cause.message}`, { cause });
    });
    yield [...(await newestValues(await filePages(file, told(work, `reading ${path}`, database.size)), wanted, { signal: work.signal }))];
  };
  return { called: path, each, values: (keys) => allOf(each((key) => keys.has(key))) };
}

/** Of keys that changed, those that are there now. */
export function there(changed: ReadonlyMap<string, KeyValue | undefined>): Values {
  return [...changed].flatMap(([key, value]) => (value ? [[key, value] as const] : []));
}

/** Only where it takes longer than a second, and not of the end. */
function told({ progress, clock }: Work, title: string, total: number): (bytes: number) => void {
  const start = clock.monotonic();
  return (bytes) => {
    if (clock.monotonic() - start > 1000 && bytes < total) progress({ type: 'bytes', title, step: 'objects/read', bytes, total });
  };
}
