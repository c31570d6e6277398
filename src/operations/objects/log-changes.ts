import { isDamage } from '../../backup/base-values.ts';
import type { CaptureKeys } from '../../backup/captures.ts';
import { logOf, type HolePart, type SegmentPart } from '../../backup/change-log/coverage.ts';
import { readSegment } from '../../backup/change-log/read-log.ts';
import { changesAny, type WantedKeys } from '../../backup/change-log/segment-index.ts';
import type { Repository } from '../../backup/repository.ts';
import { isNoise } from '../../objects/noise.ts';
import { objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { Operation } from '../operation.ts';

/** What one revision did to a key, or a gap in the log. */
export type LogChange = KeyChange | LogGap;

export interface KeyChange {
  readonly kind: 'change';
  readonly key: string;
  readonly revision: number;
  /** Unix time in ms at which the capturer had it. */
  readonly time: number;
  /** None where it was deleted. */
  readonly value: Buffer | undefined;
}

/** What changed in these revisions is not known. */
export interface LogGap extends Pick<HolePart, 'first' | 'last' | 'why'> {
  readonly kind: 'gap';
}

export interface ChangesOf {
  readonly timeline: string;
  /** Revisions after this one, up to that one. */
  readonly after: number;
  readonly upTo: number;
}

/** Which keys are those of objects that are wanted. `all`: leases, events and endpoints too. */
export function objectKeys({ all, wanted }: { readonly all: boolean; readonly wanted: (name: ObjectName) => boolean }): (key: string) => boolean {
  return (key) => {
    const name = objectNameOf(key);
    return name !== undefined && (all || !isNoise(name)) && wanted(name);
  };
}

/** So many indexes, and so many segments, are fetched while what came before is worked on: a store may need a while for each. Segments are large. */
const ahead = { indexes: 16, segments: 3 };

/** Changes of wanted keys in the order of their revisions. Unlike `readLog` it goes on behind what is lost, and says so. Throws `repository-damaged`. */
export async function* logChanges(operation: Pick<Operation, 'signal' | 'progress'>, repository: Repository, keys: CaptureKeys, { timeline, after, upTo }: ChangesOf, wanted: WantedKeys): AsyncGenerator<LogChange> {
  const isWanted = typeof wanted === 'string' ? (key: string) => key === wanted : wanted;
  const parts = logOf(repository.chain, timeline).filter(({ first, last }) => last > after && first <= upTo);
  const looked = inOrder(parts, ahead.indexes, async (part) => ({ part, read: part.kind === 'segment' && (await mayChange(operation, repository, part, keys, wanted)) }));
  let end = after;
  for await (const { part, records } of inOrder(looked, ahead.segments, async ({ part, read }) => ({ part, records: read ? (await readSegment(repository, part as SegmentPart, keys)).records : [] }))) {
    operation.signal.throwIfAborted();
    if (part.first > end + 1) yield { kind: 'gap', first: end + 1, last: part.first - 1, why: 'nobody wrote the log then' };
    end = Math.min(part.last, upTo);
    if (part.kind === 'hole') yield { kind: 'gap', first: Math.max(part.first, after + 1), last: end, why: part.why };
    for (const { revision, received, changes } of records) {
      if (revision <= after || revision > upTo) continue;
      for (const { key: bytes, value } of changes) {
        const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
        if (isWanted(key)) yield { kind: 'change', key, revision, time: received, value: value && Buffer.from(value) };
      }
    }
  }
  if (end < upTo) yield { kind: 'gap', first: end + 1, last: upTo, why: 'nobody wrote the log then' };
}

/** What `work` makes of each, in their order; begins with as many before the first is asked for. */
async function* inOrder<T, R>(items: Iterable<T> | AsyncIterable<T>, count: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const one = work(item);
    // Whoever waits for it hears of it.
    one.catch(() => {});
    begun.push(one);
    if (begun.length === count) yield await begun.shift()!;
  }
  for (const one of begun) yield await one;
}

/** Whether it is worth reading: a key index, where there is one, says which keys a segment changes. */
async function mayChange({ progress }: Pick<Operation, 'progress'>, repository: Repository, { index, first, last }: SegmentPart, keys: CaptureKeys, wanted: WantedKeys): Promise<boolean> {
  if (index === undefined) return true;
  try {
    return await changesAny(repository, index, keys, wanted);
  } catch (error) {
    if (!isDamage(error)) throw error;
    progress({ type: 'note', title: `the key index of revisions ${first} to ${last} cannot be used, so they are all read: ${error.message}`, step: 'objects/index' });
    return true;
  }
}
