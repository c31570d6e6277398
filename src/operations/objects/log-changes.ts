import type { CaptureKeys } from '../../backup/captures.ts';
import { readSegment } from '../../backup/change-log/read-log.ts';
import { segmentRows } from '../../backup/change-log/segment-index.ts';
import { isWanted, type WantedKeys } from '../../backup/format/key-index.ts';
import type { LogRecord } from '../../backup/change-log/log-record.ts';
import type { Repository } from '../../backup/repository.ts';
import { ahead } from '../../lib/ahead.ts';
import { isNoise } from '../../objects/noise.ts';
import { objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { Operation } from '../operation.ts';
import { fetchedAhead, logParts, readRows, type LogGap, type LogRange } from './log-parts.ts';

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

/** Which keys are those of objects that are wanted. `all`: leases, events and endpoints too. */
export function objectKeys({ all, wanted }: { readonly all: boolean; readonly wanted: (name: ObjectName) => boolean }): (key: string) => boolean {
  return (key) => {
    const name = objectNameOf(key);
    return name !== undefined && (all || !isNoise(name)) && wanted(name);
  };
}

/** Changes of wanted keys in the order of their revisions. Unlike `readLog` it goes on behind what is lost, and says so. Throws `repository-damaged`. */
export async function* logChanges(operation: Pick<Operation, 'signal' | 'progress'>, repository: Repository, keys: CaptureKeys, range: LogRange, wanted: WantedKeys): AsyncGenerator<LogChange> {
  const rows = segmentRows(repository, keys, wanted);
  const looked = ahead(logParts(repository, range), fetchedAhead.indexes, async (part) => {
    const revisions = new Set<number>();
    const usable = part.kind === 'gap' || (await readRows(operation, rows, part, range, (_, revision) => void revisions.add(revision)));
    return { part, revisions: usable ? revisions : undefined };
  });
  const read = ahead(looked, fetchedAhead.segments, async ({ part, revisions }) => ({ part, records: part.kind === 'gap' || revisions?.size === 0 ? [] : (await readSegment(repository, part, keys, revisions)).records }));
  for await (const { part, records } of read) {
    operation.signal.throwIfAborted();
    if (part.kind === 'gap') yield part;
    yield* changesIn(records, range, wanted);
  }
}

/** The wanted ones of those revisions that are in the range, in order. */
export function* changesIn(records: readonly LogRecord[], { after, upTo }: Pick<LogRange, 'after' | 'upTo'>, wanted: WantedKeys): Generator<KeyChange> {
  for (const { revision, received, changes } of records) {
    if (revision <= after || revision > upTo) continue;
    for (const { key: bytes, value } of changes) {
      const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      if (isWanted(wanted, key)) yield { kind: 'change', key, revision, time: received, value: value && Buffer.from(value) };
    }
  }
}
