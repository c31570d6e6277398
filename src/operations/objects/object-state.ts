import { open } from 'node:fs/promises';
import { baseValues, type Values } from '../../backup/base-values.ts';
import type { WantedKeys } from '../../backup/change-log/segment-index.ts';
import type { CaptureKeys } from '../../backup/captures.ts';
import type { Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { filePages } from '../../bolt/file-pages.ts';
import { newestValues, type KeyValue } from '../../bolt/newest-values.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Operation } from '../operation.ts';
import { databaseFile } from './database-file.ts';
import { logChanges } from './log-changes.ts';

/** All that etcd had at one moment, read where it is kept: nothing is restored for it. */
export interface ObjectState {
  /** For sentences: "revision 120, captured 2026-11-25T14:02:00.000Z", "snap.db". */
  readonly called: string;
  /** The values of the keys that are wanted, some at a time and in no order. */
  each(wanted: (key: string) => boolean): AsyncIterable<Values>;
  /** The value of one key; undefined where there was none. */
  value(key: string): Promise<KeyValue | undefined>;
}

/** All at once. */
export async function valuesOf({ each }: Pick<ObjectState, 'each'>, wanted: (key: string) => boolean): Promise<ReadonlyMap<string, KeyValue>> {
  const found = new Map<string, KeyValue>();
  for await (const values of each(wanted)) for (const [key, value] of values) found.set(key, value);
  return found;
}

type Work = Pick<Operation, 'progress' | 'clock' | 'signal'>;

/** What a repository has of a point: its base, and the log from there. */
export function stateAt(work: Work, repository: Repository, { point, keys }: { readonly point: Point; readonly keys: CaptureKeys }): ObjectState {
  const { signal, progress } = work;
  const { base, revision, time } = point;
  const onIndex = ({ message }: KubekeepError) => progress({ type: 'note', title: `the key index of base ${base.number} cannot be used, so all of the base is read: ${message}`, step: 'objects/index' });
  const inBase = (wanted: (key: string) => boolean) => baseValues(repository, base, keys, { wanted, signal, onBytes: told(work, `reading base ${base.number}`, base.length), onIndex });
  const changes = async (wanted: WantedKeys): Promise<ReadonlyMap<string, KeyValue | undefined>> => {
    const found = new Map<string, KeyValue | undefined>();
    if (revision === base.revision) return found;
    for await (const one of logChanges(work, repository, keys, { timeline: base.timeline, after: base.revision, upTo: revision }, wanted)) {
      if (one.kind === 'gap') throw new KubekeepError('point-missing', `revisions ${one.first} to ${one.last} of etcd are lost: ${one.why}`, { hint: 'kubekeep backup list shows what there is.' });
      found.set(one.key, one.value && { value: one.value, revision: one.revision });
    }
    return found;
  };
  return {
    called: `revision ${revision}, ${revision === base.revision ? `taken ${new Date(time).toISOString()}` : `captured ${new Date(time).toISOString()}`}`,
    async *each(wanted) {
      const changed = await changes(wanted);
      yield* inBase((key) => !changed.has(key) && wanted(key));
      yield [...changed].flatMap(([key, value]) => (value ? [[key, value] as const] : []));
    },
    async value(key) {
      const changed = await changes(key);
      // What the log says of it makes the base needless.
      return changed.has(key) ? changed.get(key) : (await valuesOf({ each: inBase }, (one) => one === key)).get(key);
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
  return { called: path, each, value: async (key) => (await valuesOf({ each }, (one) => one === key)).get(key) };
}

/** Only where it takes longer than a second, and not of the end. */
function told({ progress, clock }: Work, title: string, total: number): (bytes: number) => void {
  const start = clock.monotonic();
  return (bytes) => {
    if (clock.monotonic() - start > 1000 && bytes < total) progress({ type: 'bytes', title, step: 'objects/read', bytes, total });
  };
}
