import type { EtcdChange } from '../../clients/etcd/watch.ts';
import type { Segment } from '../format/segment.ts';
import { bytesOf, recordsOf, type LogRecord } from './log-record.ts';

/** Records of a watch on their way to the log. */
export class LogBuffer {
  /** The last revision that came. */
  end: number;
  #records: LogRecord[] = [];
  #bytes = 0;
  #leases = new Map<bigint, number>();

  constructor(after: number) {
    this.end = after;
  }

  /** Throws `log-gap` where a revision is missing. */
  add(changes: readonly EtcdChange[], received: number): void {
    const records = recordsOf(changes, this.end, received);
    this.#records.push(...records);
    this.end = records.at(-1)?.revision ?? this.end;
    for (const record of records) this.#bytes += bytesOf(record);
  }

  /** What a lease was granted for, in seconds. */
  learn(lease: bigint, seconds: number): void {
    this.#leases.set(lease, seconds);
  }

  /** Whether the first record has waited for `age` ms, or there are `bytes` of them. */
  due(now: number, { age, bytes }: { readonly age: number; readonly bytes: number }): boolean {
    const [first] = this.#records;
    return first !== undefined && (now - first.received >= age || now < first.received || this.#bytes >= bytes);
  }

  /** What is there; undefined where nothing is. It stays here until `clear`, and as it is after that. */
  segment(): Segment | undefined {
    return this.#records.length === 0 ? undefined : { records: this.#records, leases: this.#leases };
  }

  /** Takes out what came at or before a revision; undefined where nothing did. */
  take(upTo: number): Segment | undefined {
    const records = this.#records.filter(({ revision }) => revision <= upTo);
    if (records.length === 0) return undefined;
    const leases = new Map(this.#leases);
    this.#records = this.#records.slice(records.length);
    for (const record of records) this.#bytes -= bytesOf(record);
    if (this.#records.length === 0) this.clear();
    return { records, leases };
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#leases = new Map();
  }
}
