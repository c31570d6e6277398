import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { KubekeepError } from '../../lib/errors.ts';
import { madeRepository, type MadeRepository } from '../../../test/support/backup-repository.ts';
import { readBundle, storeBundle } from '../bundle.ts';
import { captureKeys, newCapture, type Capture } from '../captures.ts';
import { appendRecords } from '../change-log/append-log.ts';
import { logOf } from '../change-log/coverage.ts';
import { LogMerger } from '../change-log/merge-log.ts';
import { readLog } from '../change-log/read-log.ts';
import { encodePageTable, type PageTable } from '../format/page-table.ts';
import type { Segment } from '../format/segment.ts';
import { pageIds } from '../page-ids.ts';
import { storePages } from '../page-writer.ts';
import { baseOf, basesOf, type Base, type BaseBody } from '../points.ts';
import { openRepository, type Repository } from '../repository.ts';
import { folderStore } from '../store/folder-store.ts';
import { writeSnapshot } from '../write-snapshot.ts';
import { grace, removeRetired, retire } from './clean-up.ts';
import { planRetention } from './plan-retention.ts';

const timeline = 'one:0';
const pageSize = 4096;
const start = Date.parse('2026-11-23T12:00:00Z');
const hour = 3_600_000;

describe('clean-up', () => {
  let made: MadeRepository;
  let repository: Repository;
  let key: Capture;
  let parent: { readonly hash: string; readonly table: PageTable } | undefined;
  const files = new Map<number, Buffer>();
  beforeEach(async () => {
    made = await madeRepository();
    repository = await made.open();
    key = await newCapture(repository);
    parent = undefined;
    files.clear();
  });
  afterEach(() => made[Symbol.asyncDispose]());

  /** Of a file in which a quarter of the pages are new. */
  async function addBase(revision: number, time: number, keys?: string): Promise<Base> {
    const before = [...files.values()].at(-1) ?? randomBytes(40 * pageSize);
    const content = Buffer.from(before);
    randomBytes(10 * pageSize).copy(content, (revision % 4) * 10 * pageSize);
    const file = { size: content.length, read: (offset: number, length: number) => content.subarray(offset, offset + length) };
    const { table } = await storePages(repository, file, { pageSize, ids: pageIds(file, { key: repository.pageId, pageSize }), key, parent: parent?.table });
    const hash = await repository.put('table', encodePageTable(table, parent), repository.structure);
    parent = { hash, table };
    const bundle = keys === undefined ? undefined : (await storeBundle(repository, Buffer.from(keys), basesOf(repository.chain).flatMap((one) => one.bundle ?? []))).ref;
    const body: BaseBody = { timeline, revision, time, bundle, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: content.length, sha256: createHash('sha256').update(content).digest('hex'), table: hash, depth: 0, whole: false, capture: Buffer.from(key.capture).toString('hex'), added: 0, hashes: [] };
    const base = baseOf((await repository.chain.append('base', made.keys.writer, () => body))!);
    files.set(base.number, content);
    return base;
  }
  async function addLog(first: number, last: number, time: number, merge: boolean): Promise<void> {
    const merger = new LogMerger(repository, { writer: made.keys.writer, timeline });
    for (let revision = first; revision <= last; revision += 2) {
      const records = [revision, revision + 1].map((one) => ({ revision: one, received: time, changes: [{ revision: one, key: Buffer.from('k'), value: Buffer.from('v'), createRevision: 1, version: 1, lease: 0n }] }));
      const piece: Segment = { records, leases: new Map() };
      await appendRecords(repository, piece, { writer: made.keys.writer, timeline, member: 'cp1', key });
      await merger.add(piece, { member: 'cp1', key });
    }
    if (merge) await merger.catalog({ member: 'cp1', key });
  }
  const options = (now: number) => ({ owner: made.keys.owner, now, signal: new AbortController().signal, onRemoved: () => {} });
  /** Both steps, as a run of `backup prune` does them. */
  async function prune(now: number, last = 1, on = repository, planned = now) {
    await on.chain.refresh();
    const removed = await removeRetired(on, options(now));
    const plan = planRetention(on.chain, { within: hour, last, hourly: 0, daily: 0, weekly: 0, rehearsed: 0 }, planned, () => false);
    return { ...(await retire(on, plan, options(now))), ...removed };
  }
  const names = async () => (await readdir(made.folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(made.folder.length + 1));
  async function content({ number }: Base): Promise<Buffer> {
    const reader = await made.read();
    const path = join(made.folder, '..', `snap-${number}`);
    await writeSnapshot(reader, basesOf(reader.chain).find((one) => one.number === number)!, path, captureKeys(reader, made.identity));
    return (await readFile(path)).subarray(0, -32);
  }

  it('takes away what no rule keeps, a day after it was said and not before, and nothing that what is kept needs', async () => {
    const [first, second] = [await addBase(10, start), await addBase(20, start + hour)];
    await addLog(21, 40, start + hour, true);
    const third = await addBase(40, start + 3 * hour);
    await addLog(41, 60, start + 3 * hour, true);
    await addLog(61, 70, start + 3 * hour, false);
    const before = await names();
    const now = start + 4 * hour;
    assert.deepEqual(await prune(now), { objects: 3, removed: 0, refused: [] }, 'the pack of base 20, the segment of its log, and the list of the first catalog');
    const reader = await made.read();
    assert.deepEqual(basesOf(reader.chain).map(({ number }) => number), [third.number]);
    assert.deepEqual(logOf(reader.chain, timeline).map(({ first: from, last }) => [from, last]), [[41, 60], [61, 62], [63, 64], [65, 66], [67, 68], [69, 70]]);
    assert.deepEqual(before.filter((name) => name !== 'head'), (await names()).filter((name) => before.includes(name) && name !== 'head'));
    assert.deepEqual(await prune(now + grace - 1, 1, repository, now), { objects: 0, removed: 0, refused: [] });
    const { removed, refused } = await prune(now + grace, 1, repository, now);
    assert.ok(removed > 15 && refused.length === 0, `${removed} were removed`);
    const after = await names();
    assert.equal(before.filter((name) => !after.includes(name)).length, removed);
    assert.deepEqual(await content(third), files.get(third.number));
    const again = await made.read();
    const revisions = (await Array.fromAsync(readLog(again, { timeline, first: 41, last: 70 }, captureKeys(again, made.identity)))).flatMap(({ records }) => records.map(({ revision }) => revision));
    assert.equal(revisions.length, 30);
    assert.deepEqual([first, second].map(({ number }) => basesOf(again.chain).some((base) => base.number === number)), [false, false]);
    await addBase(80, start + 5 * hour);
    assert.equal((await made.open()).chain.newest!.number, repository.chain.newest!.number);
  });

  it('leaves what a writer had not named yet, and takes what one that was killed never will', async () => {
    await addBase(10, start);
    const table = await repository.put('table', randomBytes(100), repository.structure);
    const pack = await repository.put('pack', randomBytes(100), key);
    assert.equal((await prune(start + 2 * hour)).objects, 2);
    assert.ok((await names()).some((name) => name.endsWith(pack)));
    assert.equal((await prune(start + 2 * hour + grace)).removed, 2);
    assert.ok(!(await names()).some((name) => name.endsWith(pack) || name.endsWith(table)));
  });

  it('takes the keys of the cluster that no base has any more, and leaves those that one has', async () => {
    const [old, same] = [await addBase(10, start, 'old keys'), await addBase(20, start, 'keys')];
    const last = await addBase(40, start + hour, 'keys');
    assert.equal(last.bundle!.hash, same.bundle!.hash);
    await prune(start + 3 * hour);
    await prune(start + 3 * hour + grace);
    assert.equal((await readBundle(await made.read(), last.bundle!, made.identity)).toString(), 'keys');
    assert.ok(!(await names()).some((name) => name.endsWith(old.bundle!.hash)));
  });

  it('leaves what is needed again by the time its grace is over', async () => {
    await addBase(10, start);
    const second = await addBase(20, start);
    const third = await addBase(40, start + hour);
    const stale = await made.open();
    assert.equal((await prune(start + 3 * hour)).objects, 1);
    // One that had begun before stands on the base that was retired, and comes late.
    const { number: _, writer: __, hashChecked: ___, ...body } = second;
    const late = baseOf((await stale.chain.append('base', made.keys.writer, () => ({ ...body, revision: 50, time: start + 3 * hour })))!);
    await prune(start + 3 * hour + grace, 2);
    assert.deepEqual(await content(late), files.get(second.number));
    assert.deepEqual(await content(third), files.get(third.number));
  });

  it('is not undone by a catalog that was begun before it', async () => {
    await addBase(10, start);
    await addBase(20, start + hour);
    const other = await made.open();
    await prune(start + 3 * hour);
    await other.chain.catalog(made.keys.writer, []);
    assert.equal(other.chain.catalogued, 0);
    assert.deepEqual(basesOf((await made.read()).chain).map(({ revision }) => revision), [20]);
    await other.chain.catalog(made.keys.writer, []);
    assert.deepEqual(basesOf((await made.read()).chain).map(({ revision }) => revision), [20]);
  });

  it('that is cut off at any removal is finished by the next run', async () => {
    await addBase(10, start);
    await addLog(11, 30, start, true);
    const kept = await addBase(30, start + hour);
    await prune(start + 3 * hour);
    for (let limit = 0; ; limit += 3) {
      let left = limit;
      const store = folderStore(made.folder);
      const cut = await openRepository({ ...store, remove: (name) => (left-- > 0 ? store.remove(name) : Promise.reject(new Error('killed'))) }, made.keys);
      const done = await removeRetired(cut, options(start + 3 * hour + grace)).then(() => true, (error: Error) => error.message !== 'killed');
      assert.deepEqual(await content(kept), files.get(kept.number));
      if (done) break;
    }
    assert.equal((await prune(start + 3 * hour + grace)).removed, 0);
    assert.ok((await names()).filter((name) => name.startsWith('packs/')).length > 0);
  });

  it('says what the store does not remove, and tries it again', async () => {
    await addBase(10, start);
    await addBase(30, start + hour);
    await prune(start + 3 * hour);
    const store = folderStore(made.folder);
    const locked = await openRepository({ ...store, remove: (name) => (name.startsWith('packs/') ? Promise.reject(new KubekeepError('store-failed', 'it is locked until Sunday')) : store.remove(name)) }, made.keys);
    const { refused } = await prune(start + 3 * hour + grace, 1, locked);
    assert.deepEqual(refused.map(({ why }) => why), refused.map(() => 'it is locked until Sunday'));
    await repository.chain.refresh();
    assert.ok((await prune(start + 3 * hour + 2 * grace)).removed >= refused.length);
  });

  it('is not said by a writer who is not the owner', async () => {
    await addBase(10, start);
    await assert.rejects(repository.chain.append('retire', made.keys.writer, () => ({})), { code: 'repository-mismatch' });
    await assert.rejects(repository.chain.append('removed', made.keys.writer, () => ({})), { code: 'repository-mismatch' });
  });

  it('leaves nothing of a repository that one who opens it anew could miss', async () => {
    await addBase(10, start);
    await addLog(11, 30, start, true);
    await addBase(30, start + 3 * hour);
    await addLog(31, 40, start + 3 * hour, false);
    await repository.chain.catalog(made.keys.writer, []);
    await prune(start + 4 * hour);
    await prune(start + 4 * hour + grace, 1, repository, start + 4 * hour);
    const reader = await made.read();
    assert.equal((await Array.fromAsync(readLog(reader, { timeline, first: 31, last: 40 }, captureKeys(reader, made.identity)))).length, 5);
    await repository.chain.catalog(made.keys.writer, []);
    await rm(join(made.folder, 'head'));
    assert.equal((await made.read()).chain.newest!.number, repository.chain.newest!.number);
    assert.ok((await names()).filter((name) => name.startsWith('chain/')).length < repository.chain.newest!.number);
  });
});
