import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { KubekeepError } from '../../lib/errors.ts';
import type { MadeRepository } from '../../../test/support/backup-repository.ts';
import { pagedRepository, timeline, type PagedRepository } from '../../../test/support/paged-repository.ts';
import { readBundle } from '../bundle.ts';
import { captureKeys, type Capture } from '../captures.ts';
import { logOf } from '../change-log/coverage.ts';
import { readLog } from '../change-log/read-log.ts';
import { entryName } from '../format/chain-entry.ts';
import { baseOf, basesOf } from '../points.ts';
import { openRepository, type Repository } from '../repository.ts';
import { folderStore } from '../store/folder-store.ts';
import { grace, removeRetired } from './clean-up.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const hour = 3_600_000;

describe('clean-up', () => {
  let paged: PagedRepository;
  let made: MadeRepository;
  let repository: Repository;
  let key: Capture;
  let addBase: PagedRepository['addBase'];
  let addLog: PagedRepository['addLog'];
  let prune: PagedRepository['prune'];
  let names: PagedRepository['names'];
  let content: PagedRepository['content'];
  let options: PagedRepository['options'];
  beforeEach(async () => {
    paged = await pagedRepository();
    ({ made, repository, key, addBase, addLog, prune, names, content, options } = paged);
  });
  afterEach(() => paged[Symbol.asyncDispose]());

  it('takes away what no rule keeps, a day after it was said and not before, and nothing that what is kept needs', async () => {
    const [first, second] = [await addBase(10, start), await addBase(20, start + hour)];
    await addLog(21, 40, start + hour, true);
    const third = await addBase(40, start + 3 * hour);
    await addLog(41, 60, start + 4 * hour, true);
    await addLog(61, 70, start + 4 * hour, false);
    const before = await names();
    const now = start + 4 * hour;
    assert.deepEqual(await prune(now), { objects: 4, removed: 0, refused: [] }, 'the pack of base 20, the segment of its log with its key index, and the list of the first catalog');
    const reader = await made.read();
    assert.deepEqual(basesOf(reader.chain).map(({ number }) => number), [third.number]);
    assert.deepEqual(logOf(reader.chain, timeline).map(({ first: from, last }) => [from, last]), [[41, 60], [61, 62], [63, 64], [65, 66], [67, 68], [69, 70]]);
    assert.deepEqual(before.filter((name) => name !== 'head'), (await names()).filter((name) => before.includes(name) && name !== 'head'));
    assert.deepEqual(await prune(now + grace - 1, { planned: now }), { objects: 0, removed: 0, refused: [] });
    const { removed, refused } = await prune(now + grace, { planned: now });
    assert.ok(removed > 15 && refused.length === 0, `${removed} were removed`);
    const after = await names();
    assert.equal(before.filter((name) => !after.includes(name)).length, removed);
    assert.deepEqual(await content(third), paged.files.get(third.number));
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
    assert.equal((await prune(start + 2 * hour)).objects, 3, 'and the key');
    assert.ok((await names()).some((name) => name.endsWith(pack)));
    assert.equal((await prune(start + 2 * hour + grace)).removed, 3);
    assert.ok(!(await names()).some((name) => name.endsWith(pack) || name.endsWith(table)));
  });

  it('takes the keys of the cluster that no base has any more, and leaves those that one has', async () => {
    const [old, same] = [await addBase(10, start, { bundle: 'old keys' }), await addBase(20, start, { bundle: 'keys' })];
    const last = await addBase(40, start + hour, { bundle: 'keys' });
    assert.equal(last.bundle!.hash, same.bundle!.hash);
    await prune(start + 3 * hour);
    await prune(start + 3 * hour + grace);
    assert.equal((await readBundle(await made.read(), last.bundle!, made.identity)).toString(), 'keys');
    assert.ok(!(await names()).some((name) => name.endsWith(old.bundle!.hash)));
  });

  it('takes keys that open nothing any more, and leaves each that opens what is kept: of packs of bases that are gone too', async () => {
    const [first, second] = [await addBase(10, start), await addBase(21, start)];
    const whole = await addBase(32, start + hour, { whole: true });
    const last = await addBase(43, start + 2 * hour);
    const day = start + 3 * hour;
    await prune(day, { last: 3 });
    await prune(day + grace, { last: 3, planned: day });
    // The first base is gone, and what the second one has of it is read under its key.
    assert.deepEqual(await content(second), paged.files.get(second.number));
    await prune(day + grace, { last: 1, planned: day });
    await prune(day + 2 * grace, { last: 1, planned: day });
    assert.deepEqual(await content(last), paged.files.get(last.number));
    const keys = (await names()).filter((name) => name.startsWith('captures/')).map((name) => name.slice(9, 41));
    assert.deepEqual([first, second, whole, last].map(({ capture }) => keys.includes(capture)), [false, false, true, true]);
  });

  it('leaves all keys of data where a base of an older release does not say which it needs', async () => {
    await addBase(10, start);
    await addBase(21, start, { captures: undefined, bundle: 'old' });
    await addBase(32, start + hour, { whole: true, captures: undefined, bundle: 'new' });
    const keys = async (folder: string) => (await names()).filter((name) => name.startsWith(folder)).length;
    const before = await keys('captures/');
    await prune(start + 3 * hour, { last: 2 });
    await prune(start + 3 * hour + grace, { last: 2 });
    assert.deepEqual([await keys('captures/'), await keys('escrow/')], [before, 2]);
    await prune(start + 3 * hour + grace);
    await prune(start + 3 * hour + 2 * grace);
    assert.deepEqual([await keys('captures/'), await keys('escrow/')], [1, 1]);
  });

  it('leaves what is needed again by the time its grace is over', async () => {
    await addBase(10, start);
    const second = await addBase(20, start);
    const third = await addBase(40, start + hour);
    const stale = await made.open();
    assert.equal((await prune(start + 3 * hour)).objects, 2, 'its pack, and the key of a log that was not written');
    // One that had begun before stands on the base that was retired, and comes late.
    const { number: _, writer: __, hashChecked: ___, diverged: ____, ...body } = second;
    const late = baseOf((await stale.chain.append('base', made.keys.writer, () => ({ ...body, revision: 50, time: start + 3 * hour })))!);
    await prune(start + 3 * hour + grace, { last: 2 });
    assert.deepEqual(await content(late), paged.files.get(second.number));
    assert.deepEqual(await content(third), paged.files.get(third.number));
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
      assert.deepEqual(await content(kept), paged.files.get(kept.number));
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
    const { refused } = await prune(start + 3 * hour + grace, { on: locked });
    assert.deepEqual(refused.map(({ why }) => why), refused.map(() => 'it is locked until Sunday'));
    await repository.chain.refresh();
    assert.ok((await prune(start + 3 * hour + 2 * grace)).removed >= refused.length);
  });

  it('is not said by a writer who is not the owner', async () => {
    await addBase(10, start);
    await assert.rejects(repository.chain.append('retire', made.keys.writer, () => ({})), { code: 'repository-mismatch' });
    await assert.rejects(repository.chain.append('removed', made.keys.writer, () => ({})), { code: 'repository-mismatch' });
  });

  for (const [title, merged, late] of [
    ['behind the newest catalog', true, false],
    ['without any catalog', false, false],
    ['with a later catalog, where another run keeps it from making one', true, true],
  ] as const) {
    it(`takes pieces of the log ${title}, and cuts nobody off who walks over them`, async () => {
      await addBase(10, start);
      if (merged) await addLog(11, 30, start, true);
      await addLog(merged ? 31 : 11, 40, start, false);
      await addBase(40, start + 3 * hour);
      const kept = await addBase(41, start + 4 * hour);
      const entries = (await names()).filter((name) => name.startsWith('chain/'));
      const planned = start + 5 * hour;
      const { chain } = repository;
      const quicker = { ...repository, chain: new Proxy(chain, { get: (_, name: keyof typeof chain) => (name === 'catalog' ? async () => {} : typeof chain[name] === 'function' ? chain[name].bind(chain) : chain[name]) }) };
      for (const day of [0, 1, 2]) {
        const { objects } = await prune(planned + day * grace, { on: late ? quicker : repository, planned });
        if (late && day === 0) assert.equal(objects, 2, 'of what was merged the segment and its key index, and none of the pieces');
        assert.deepEqual(basesOf((await made.read()).chain).map(({ number }) => number), [kept.number]);
        assert.deepEqual(await content(kept), paged.files.get(kept.number));
        if (late && day === 0) await chain.catalog(made.keys.writer, []);
      }
      const left = await names();
      assert.equal(entries.filter((name) => left.includes(name)).length, 1, 'the last piece of the log');
    });
  }

  it('passes over pieces behind the newest catalog that an earlier release has named', async () => {
    await addBase(10, start);
    await addLog(11, 30, start, true);
    await addLog(31, 40, start, false);
    const kept = await addBase(41, start + 4 * hour);
    const pieces = repository.chain.entries.flatMap(({ kind, number }) => (kind === 'segment' && number > repository.chain.catalogued ? [entryName(number)] : []));
    const objects = await repository.put('table', Buffer.from(JSON.stringify(pieces)), repository.structure);
    const time = start + 5 * hour;
    await repository.chain.append('retire', made.keys.owner, () => ({ time, bases: [], logs: [{ timeline, upTo: 40 }], entriesUpTo: repository.chain.catalogued, objects }));
    assert.equal(pieces.length, 5);
    await removeRetired(repository, options(time + grace));
    assert.deepEqual(await content(kept), paged.files.get(kept.number));
  });

  it('leaves nothing of a repository that one who opens it anew could miss', async () => {
    await addBase(10, start);
    await addLog(11, 30, start, true);
    await addBase(30, start + 3 * hour);
    await addLog(31, 40, start + 3 * hour, false);
    await repository.chain.catalog(made.keys.writer, []);
    await prune(start + 4 * hour);
    await prune(start + 4 * hour + grace, { planned: start + 4 * hour });
    const reader = await made.read();
    assert.equal((await Array.fromAsync(readLog(reader, { timeline, first: 31, last: 40 }, captureKeys(reader, made.identity)))).length, 5);
    await repository.chain.catalog(made.keys.writer, []);
    await rm(join(made.folder, 'head'));
    assert.equal((await made.read()).chain.newest!.number, repository.chain.newest!.number);
    assert.ok((await names()).filter((name) => name.startsWith('chain/')).length < repository.chain.newest!.number);
  });
});
