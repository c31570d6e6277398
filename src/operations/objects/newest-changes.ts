import type { CaptureKeys } from '../../backup/captures.ts';
import type { SegmentPart } from '../../backup/change-log/coverage.ts';
import { readSegment } from '../../backup/change-log/read-log.ts';
import { segmentRows } from '../../backup/change-log/segment-index.ts';
import { damaged } from '../../backup/format/encrypted-object.ts';
import type { WantedKeys } from '../../backup/format/key-index.ts';
import { objectName } from '../../backup/format/object-name.ts';
import type { Repository } from '../../backup/repository.ts';
import type { KeyValue } from '../../bolt/newest-values.ts';
import { ahead } from '../../lib/ahead.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Operation } from '../operation.ts';
import { changesIn } from './log-changes.ts';
import { fetchedAhead, logParts, readRows, type LogRange } from './log-parts.ts';

/**
 * What the last change in a range of the log made of each wanted key that it changes; undefined: it was deleted. The log is looked through from its end, of keys that are known only until all are found,
 * and only those segments are read that have the last change of a key. Throws `point-missing` where some of the range is lost, `repository-damaged`.
 */
export async function newestChanges(operation: Pick<Operation, 'signal' | 'progress'>, repository: Repository, keys: CaptureKeys, range: LogRange, wanted: WantedKeys): Promise<ReadonlyMap<string, KeyValue | undefined>> {
  /** Keys of which it is known in which segment their last change is, or in one after that. */
  const claimed = new Set<string>();
  let left = wanted;
  let rows = segmentRows(repository, keys, left);
  const missing = () => (typeof wanted === 'function' ? Infinity : wanted.size - claimed.size);
  const isEnough = () => missing() === 0;
  const looked = ahead(fromTheEnd(repository, range, isEnough), fetchedAhead.indexes, async (part) => {
    // Most keys are found soon: those alone that are left are looked for from there on.
    if (typeof left !== 'function' && left.size > 2 * missing()) rows = segmentRows(repository, keys, (left = left.difference(claimed)));
    const changed = new Map<string, number>();
    const usable = await readRows(operation, rows, part, range, (key, revision) => void (claimed.has(key) || changed.set(key, revision)));
    return { part, changed: usable ? changed : undefined };
  });
  const read = ahead(looked, fetchedAhead.segments, async ({ part, changed }): Promise<Changes> => {
    const own = changed && new Map([...changed].filter(([key]) => !claimed.has(key)));
    if (own?.size === 0 || isEnough()) return new Map();
    for (const key of own?.keys() ?? []) claimed.add(key);
    const found = newestIn(await readSegment(repository, part, keys, own && new Set(own.values())), range, own ? (key) => own.has(key) : wanted);
    if (own && found.size < own.size) throw damaged(objectName('index', part.index!), `it says of revisions ${part.first} to ${part.last} what their records do not`);
    for (const key of found.keys()) claimed.add(key);
    return found;
  });
  const newest = new Map<string, KeyValue | undefined>();
  for await (const found of read) {
    operation.signal.throwIfAborted();
    for (const [key, value] of found) if (!newest.has(key)) newest.set(key, value);
  }
  return newest;
}

type Changes = ReadonlyMap<string, KeyValue | undefined>;

function* fromTheEnd(repository: Repository, range: LogRange, isEnough: () => boolean): Generator<SegmentPart> {
  const parts = logParts(repository, range);
  const gap = parts.find((part) => part.kind === 'gap');
  if (gap) throw new KubekeepError('point-missing', `revisions ${gap.first} to ${gap.last} of etcd are lost: ${gap.why}`, { hint: 'kubekeep backup list shows what there is.' });
  for (const part of (parts as readonly SegmentPart[]).toReversed()) {
    if (isEnough()) return;
    yield part;
  }
}

function newestIn({ records }: Awaited<ReturnType<typeof readSegment>>, range: LogRange, wanted: WantedKeys): Changes {
  const found = new Map<string, KeyValue | undefined>();
  for (const { key, value, revision } of changesIn(records, range, wanted)) found.set(key, value && { value, revision });
  return found;
}
