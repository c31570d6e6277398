import { wrapForNewest, type Capture } from '../captures.ts';
import type { LogMerge } from '../catalogs.ts';
import { encodeSegment, type Segment } from '../format/segment.ts';
import type { Repository } from '../repository.ts';
import type { LogWriter } from './append-log.ts';
import { piecesFrom, type LogPart, type SegmentPart } from './coverage.ts';
import { bytesOf, fingerprintOf, type LogRecord } from './log-record.ts';
import { indexRecords } from './segment-index.ts';

/** Of a merged segment, before compression. */
const mostBytes = 4 << 20;
/** Of what is held for the time in which another one merges. */
const mostHeld = 16 << 20;

/**
 * Puts the pieces that a capturer appended together to fewer and larger segments, from what it had of etcd itself: it need not read what it wrote. A catalog takes them up. What another capturer
 * merged meanwhile is left out, and what was here when this one died stays in pieces.
 */
export class LogMerger {
  readonly #repository: Repository;
  readonly #log: LogWriter;
  #records: LogRecord[] = [];
  #bytes = 0;
  #leases = new Map<bigint, number>();
  #merges: LogMerge[] = [];

  constructor(repository: Repository, log: LogWriter) {
    this.#repository = repository;
    this.#log = log;
  }

  /** Whether these are revisions of the same log, right after those before. */
  continues(timeline: string, first: number): boolean {
    return timeline === this.#log.timeline && first === (this.#records.at(-1)?.revision ?? first - 1) + 1;
  }

  /** Takes what is in the log now. Writes an object when it is much. */
  async add(segment: Segment, options: { readonly member: string; readonly key: Capture }): Promise<void> {
    this.#take(segment);
    if (this.#bytes >= mostBytes) await this.#merge(options);
  }

  /** Takes it and writes nothing, since another one merges it. What was merged is let go, and the oldest of what is too much: where that one dies it stays in pieces. */
  hold(segment: Segment): void {
    this.#take(segment);
    let [upTo, bytes] = [piecesFrom(this.#repository.chain.entries, this.#log.timeline, this.#records[0]!.revision).findLast(isMerged)?.last ?? 0, this.#bytes];
    for (const record of this.#records) {
      if (bytes <= mostHeld) break;
      bytes -= bytesOf(record);
      upTo = Math.max(upTo, record.revision);
    }
    if (upTo > 0) this.#letGo(upTo);
  }

  /** Appends a catalog that has what was merged, so that readers begin there. */
  async catalog(options: { readonly member: string; readonly key: Capture }): Promise<void> {
    await this.#merge(options);
    if (this.#merges.length > 0) await this.#repository.chain.catalog(this.#log.writer, this.#merges);
    this.#merges = [];
  }

  async #merge({ member, key }: { readonly member: string; readonly key: Capture }): Promise<void> {
    const pieces = this.#pieces();
    const [first, last] = [pieces[0], pieces.at(-1)];
    if (!last) return;
    const records = this.#records.filter(({ revision }) => revision >= first!.first && revision <= last.last);
    if (pieces.length > 1) {
      await wrapForNewest(this.#repository, key);
      const object = await this.#repository.put('segment', encodeSegment({ records, leases: this.#leases }), key);
      const index = await this.#repository.put('index', indexRecords(records), key);
      const [from, to] = [records[0]!.received, records.at(-1)!.received];
      const fingerprint = fingerprintOf(records.at(-1)!.changes, this.#repository.pageId);
      const { timeline, writer: { writer } } = this.#log;
      const hashes = pieces.findLast((piece) => piece.hashes)?.hashes;
      this.#merges.push({ writer, body: { timeline, first: first!.first, last: last.last, from, to, member, capture: Buffer.from(key.capture).toString('hex'), fingerprint, object, index, ...(hashes && { hashes }) } });
    }
    this.#letGo(last.last);
  }

  #take({ records, leases }: Segment): void {
    this.#records.push(...records);
    for (const record of records) this.#bytes += bytesOf(record);
    for (const [lease, seconds] of leases) this.#leases.set(lease, seconds);
  }

  #letGo(upTo: number): void {
    this.#records = this.#records.filter(({ revision }) => revision > upTo);
    this.#bytes = this.#records.reduce((sum, record) => sum + bytesOf(record), 0);
    const named = new Set(this.#records.flatMap(({ changes }) => changes.map(({ lease }) => lease)));
    this.#leases = new Map([...this.#leases].filter(([lease]) => named.has(lease)));
  }

  /** Those that nobody has merged and whose revisions are all here, without a hole between them. */
  #pieces(): readonly SegmentPart[] {
    const [first, last] = [this.#records[0]?.revision ?? Infinity, this.#records.at(-1)?.revision ?? 0];
    const run: SegmentPart[] = [];
    for (const part of piecesFrom(this.#repository.chain.entries, this.#log.timeline, first)) {
      if (isMerged(part)) run.length = 0;
      else if (part.kind === 'segment' && part.first >= first && part.last <= last) run.push(part);
    }
    return run;
  }
}

/** Nothing is merged that reaches over it. */
function isMerged(part: LogPart): boolean {
  return part.kind === 'hole' || part.object !== undefined;
}
