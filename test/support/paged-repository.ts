import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { storeBundle } from '../../src/backup/bundle.ts';
import { captureKeys, newCapture } from '../../src/backup/captures.ts';
import { appendRecords } from '../../src/backup/change-log/append-log.ts';
import { LogMerger } from '../../src/backup/change-log/merge-log.ts';
import { encodePageTable, type PageTable } from '../../src/backup/format/page-table.ts';
import type { Segment } from '../../src/backup/format/segment.ts';
import { pageIds } from '../../src/backup/page-ids.ts';
import { storePages } from '../../src/backup/page-writer.ts';
import { baseOf, basesOf, type Base, type BaseBody } from '../../src/backup/points.ts';
import type { Repository } from '../../src/backup/repository.ts';
import { removeRetired, retire, type CleanUpOptions, type Removed, type Retired } from '../../src/backup/retention/clean-up.ts';
import { planRetention, type RetentionPolicy } from '../../src/backup/retention/plan-retention.ts';
import { writeSnapshot } from '../../src/backup/write-snapshot.ts';
import { madeRepository, type MadeRepository } from './backup-repository.ts';

export const timeline = 'one:0';
const pageSize = 4096;
const hour = 3_600_000;

/** A repository with bases of random pages and a log of small records. */
export interface PagedRepository extends AsyncDisposable {
  readonly made: MadeRepository;
  readonly repository: Repository;
  /** The key that the log is written under. */
  readonly key: Awaited<ReturnType<typeof newCapture>>;
  /** What bases hold, by number. */
  readonly files: ReadonlyMap<number, Buffer>;
  /** Of a file in which a quarter of the pages are new. */
  addBase(revision: number, time: number, changes?: Partial<Omit<BaseBody, 'bundle'>> & { readonly bundle?: string }): Promise<Base>;
  addLog(first: number, last: number, time: number, merge: boolean): Promise<void>;
  options(now: number): CleanUpOptions;
  /** Both steps, as a run of `backup prune` does them. */
  prune(now: number, options?: { readonly last?: number; readonly on?: Repository; readonly planned?: number }): Promise<Retired & Removed>;
  /** Of all files. */
  names(): Promise<readonly string[]>;
  /** What the identity alone reads of a base. */
  content(base: Base, reader?: Repository): Promise<Buffer>;
}

const policy: RetentionPolicy = { within: hour, last: 1, hourly: 0, daily: 0, weekly: 0, rehearsed: 0 };

export async function pagedRepository(): Promise<PagedRepository> {
  const made = await madeRepository();
  const repository = await made.open();
  const key = await newCapture(repository);
  const files = new Map<number, Buffer>();
  let parent: { readonly hash: string; readonly table: PageTable; readonly captures: readonly string[] } | undefined;
  const options = (now: number): CleanUpOptions => ({ owner: made.keys.owner, now, signal: new AbortController().signal, onRemoved: () => {} });
  return {
    made, repository, key, files, options,
    async addBase(revision, time, { bundle: keys, ...changes } = {}) {
      const own = await newCapture(repository);
      if (changes.whole) parent = undefined;
      const before = [...files.values()].at(-1) ?? randomBytes(40 * pageSize);
      const content = Buffer.from(before);
      randomBytes(10 * pageSize).copy(content, (revision % 4) * 10 * pageSize);
      const file = { size: content.length, read: (offset: number, length: number) => content.subarray(offset, offset + length) };
      const { table } = await storePages(repository, file, { pageSize, ids: pageIds(file, { key: repository.pageId, pageSize }), key: own, parent: parent?.table });
      const hash = await repository.put('table', encodePageTable(table, parent), repository.structure);
      const capture = Buffer.from(own.capture).toString('hex');
      const captures = [...(parent?.captures ?? []), capture];
      parent = { hash, table, captures };
      const bundle = keys === undefined ? undefined : (await storeBundle(repository, Buffer.from(keys), basesOf(repository.chain).flatMap((one) => one.bundle ?? []))).ref;
      const body: BaseBody = { timeline, revision, time, bundle, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: content.length, sha256: createHash('sha256').update(content).digest('hex'), table: hash, depth: 0, whole: captures.length === 1, capture, captures, added: 0, hashes: [], ...changes };
      const base = baseOf((await repository.chain.append('base', made.keys.writer, () => body))!);
      files.set(base.number, content);
      return base;
    },
    async addLog(first, last, time, merge) {
      const merger = new LogMerger(repository, { writer: made.keys.writer, timeline });
      for (let revision = first; revision <= last; revision += 2) {
        const records = [revision, revision + 1].map((one) => ({ revision: one, received: time, changes: [{ revision: one, key: Buffer.from('k'), value: Buffer.from('v'), createRevision: 1, version: 1, lease: 0n }] }));
        const piece: Segment = { records, leases: new Map() };
        await appendRecords(repository, piece, { writer: made.keys.writer, timeline, member: 'cp1', key });
        await merger.add(piece, { member: 'cp1', key });
      }
      if (merge) await merger.catalog({ member: 'cp1', key });
    },
    async prune(now, { last = 1, on = repository, planned = now } = {}) {
      await on.chain.refresh();
      const removed = await removeRetired(on, options(now));
      const plan = planRetention(on.chain, { ...policy, last }, planned, () => false);
      return { ...(await retire(on, plan, options(now))), ...removed };
    },
    names: async () => (await readdir(made.folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(made.folder.length + 1)),
    async content({ number }, reader) {
      const from = reader ?? (await made.read());
      const path = join(made.folder, '..', `snap-${number}`);
      try {
        await writeSnapshot(from, basesOf(from.chain).find((one) => one.number === number)!, path, captureKeys(from, made.identity));
        return (await readFile(path)).subarray(0, -32);
      } finally {
        await rm(path, { force: true });
      }
    },
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}
