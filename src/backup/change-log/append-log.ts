import { appendUnder, type Capture } from '../captures.ts';
import { encryptObject } from '../format/encrypted-object.ts';
import { encodeSegment, type Segment } from '../format/segment.ts';
import type { SigningKey } from '../repository-keys.ts';
import type { Repository } from '../repository.ts';
import { logEnd, type HoleBody, type SegmentBody, type StateHashes } from './coverage.ts';
import { bytesOf, fingerprintOf, follows, type LogRecord } from './log-record.ts';

/** Of a piece of several records, before compression. */
const mostBytes = 4 << 20;

/** Who writes the log of which timeline. */
export interface LogWriter {
  readonly writer: SigningKey;
  readonly timeline: string;
}

/**
 * Appends records to the log of a timeline; what another capturer appended meanwhile is left out. So two may capture at once, and each revision is in the log once.
 * Throws `log-gap` where the first record does not follow on the log.
 */
export async function appendRecords(repository: Repository, segment: Segment, { hashes, ...options }: RecordsOf): Promise<void> {
  const { revision: end } = segment.records.at(-1)!;
  for (const piece of piecesOf(segment)) await appendPiece(repository, piece, { ...options, ...(piece.records.at(-1)!.revision === end && { hashes }) });
}

/** Where records come from, and the key of the capture. */
interface RecordsOf extends LogWriter {
  readonly member: string;
  readonly key: Capture;
  /** Of a revision at or before the last record. */
  readonly hashes?: StateHashes | undefined;
}

async function appendPiece(repository: Repository, { records, leases }: Segment, { writer, timeline, member, key, hashes }: RecordsOf): Promise<void> {
  const [first, last] = [records[0]!, records.at(-1)!];
  await appendUnder(repository, [key], 'segment', writer, (entries) => {
    const end = logEnd(entries, timeline) ?? first.revision - 1;
    const left = records.filter(({ revision }) => revision > end);
    if (left.length === 0) return undefined;
    follows(end + 1, left[0]!.revision);
    const body: SegmentBody = { timeline, first: left[0]!.revision, last: last.revision, from: left[0]!.received, to: last.received, member, capture: Buffer.from(key.capture).toString('hex'), fingerprint: fingerprintOf(last.changes, repository.pageId), ...(hashes && { hashes }) };
    const sealed = encryptObject(encodeSegment({ records: left, leases }), { repository: Buffer.from(repository.id, 'hex'), kind: 'segment' }, key);
    return { ...body, payload: sealed.toString('base64') };
  });
}

/** What comes at once after a pause may be more than an object can hold. */
function* piecesOf({ records, leases }: Segment): Generator<Segment> {
  let piece: LogRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = bytesOf(record);
    if (piece.length > 0 && bytes + size > mostBytes) {
      yield { records: piece, leases };
      piece = [];
      bytes = 0;
    }
    piece.push(record);
    bytes += size;
  }
  if (piece.length > 0) yield { records: piece, leases };
}

/** Says that revisions after the log's end up to `last` are lost, unless another capturer had some of them: false then. */
export async function appendHole(repository: Repository, { writer, timeline }: LogWriter, { after, last, why }: { readonly after: number; readonly last: number; readonly why: string }): Promise<boolean> {
  const entry = await repository.chain.append('hole', writer, (entries) => {
    const end = logEnd(entries, timeline);
    return end === after && last > after ? ({ timeline, first: after + 1, last, why } satisfies HoleBody) : undefined;
  });
  return entry !== undefined;
}
