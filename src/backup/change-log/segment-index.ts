import { compareText } from '../../lib/compare-text.ts';
import type { CaptureKeys } from '../captures.ts';
import { damaged } from '../format/encrypted-object.ts';
import { findRows, IndexWriter, readIndex, soughtKeys, type IndexedRow, type WantedKeys } from '../format/key-index.ts';
import { objectName } from '../format/object-name.ts';
import type { Repository } from '../repository.ts';
import type { SegmentPart } from './coverage.ts';
import type { LogRecord } from './log-record.ts';

/** The key index of a merged segment: what its records change, in the order of the keys. */
export function indexRecords(records: readonly LogRecord[]): Buffer {
  const rows = records.flatMap(({ changes }) => changes.map(({ key, revision, value }, sub): IndexedRow => ({ key: Buffer.from(key).toString('latin1'), revision, sub, deleted: value === undefined })));
  // Stable: of one key in the order of revisions.
  rows.sort(({ key: one }, { key: other }) => compareText(one, other));
  const writer = new IndexWriter();
  writer.add(0, rows);
  return writer.done();
}

/** Gives `take` the wanted keys that a segment changes, and the revisions, by the hash of its key index: of one key in their order. Rejects with `repository-damaged`. */
export type SegmentRows = (hash: string, take: (key: string, revision: number) => void) => Promise<void>;

/** The way to the rows of wanted keys in the indexes of segments. */
export function segmentRows(repository: Pick<Repository, 'get'>, keys: CaptureKeys, wanted: WantedKeys): SegmentRows {
  const sought = typeof wanted === 'function' ? undefined : soughtKeys(wanted);
  return async (hash, take) => {
    const [index, name] = [await repository.get('index', hash, keys), objectName('index', hash)];
    if (sought) findRows(index, name, sought, take);
    else readIndex(index, name, { pages: () => true, keys: wanted }, (_, { key, revision }) => take(key, revision));
  };
}

/** Throws `repository-damaged` where a segment's index is another one than its records make. */
export async function checkSegmentIndex(repository: Repository, { index }: Pick<SegmentPart, 'index'>, records: readonly LogRecord[], keys: CaptureKeys): Promise<void> {
  if (index === undefined) return;
  if (!(await repository.get('index', index, keys)).equals(indexRecords(records))) throw damaged(objectName('index', index), 'it says of a segment what its records do not');
}
