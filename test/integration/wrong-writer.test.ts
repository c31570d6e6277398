import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCapture } from '../../src/backup/captures.ts';
import { appendRecords } from '../../src/backup/change-log/append-log.ts';
import { logEnd } from '../../src/backup/change-log/coverage.ts';
import { encodeEntry, entryName } from '../../src/backup/format/chain-entry.ts';
import { encryptObject } from '../../src/backup/format/encrypted-object.ts';
import { encodePageTable } from '../../src/backup/format/page-table.ts';
import { encodeSegment } from '../../src/backup/format/segment.ts';
import { readPageTable } from '../../src/backup/page-tables.ts';
import { basesOf, type Base } from '../../src/backup/points.ts';
import { newSigningKey } from '../../src/backup/repository-keys.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import type { Store } from '../../src/backup/store/store.ts';
import { openToRead, openToWrite, type OpenToWrite } from '../../src/operations/backup/open-backup.ts';
import { restoreFile } from '../../src/operations/backup/restore-file.ts';
import { verifyPoint } from '../../src/operations/backup/verify-point.ts';
import { verifyRepository } from '../../src/operations/backup/verify-repository.ts';
import type { Operation } from '../../src/operations/operation.ts';
import type { KeptCluster } from '../support/kept-cluster.ts';
import { wholeRepository, type WholeRepository } from '../support/whole-repository.ts';

// A writer's signature says who wrote, and not that it is right.
describe('what a writer signed all the same', () => {
  let whole: WholeRepository;
  let kept: KeptCluster;
  let points: readonly string[];
  const scratch = () => join(kept.folder, 'out.db');
  before(async () => {
    whole = await wholeRepository();
    ({ kept, points } = whole);
  });
  after(() => whole[Symbol.asyncDispose]());

  /** The repository as it was, to write to, and what there is to say about it afterwards. */
  async function copied(write: (to: OpenToWrite, base: Base) => Promise<unknown>): Promise<{ readonly operation: Operation; readonly store: Store }> {
    const copy = join(kept.folder, `copy-${++copies}`);
    await cp(kept.store.place, join(copy, 'repository'), { recursive: true });
    await cp(kept.operation.state.path, join(copy, 'state'), { recursive: true });
    const operation = { ...kept.operation, state: { ...kept.operation.state, path: join(copy, 'state') } };
    const store = folderStore(join(copy, 'repository'));
    const open = await openToWrite(operation, store);
    await write(open, basesOf(open.repository.chain).at(-1)!);
    return { operation, store };
  }
  let copies = 0;
  const appendBase = ({ repository, keys }: OpenToWrite, base: Base, changes: Partial<Base>) => repository.chain.append('base', keys.writer, () => ({ ...base, ...changes }));
  const problemsOf = async ({ operation, store }: Awaited<ReturnType<typeof copied>>, share = 1) => (await verifyRepository(operation, store, { share, seed: 1 })).problems.map(({ object, problem }) => `${object}: ${problem}`);
  async function restored({ operation, store }: Awaited<ReturnType<typeof copied>>, at: string): Promise<string> {
    const outcome = await restoreFile(operation, store, { at, path: scratch() }).then(() => 'restored', (error: Error) => error.message);
    await rm(scratch(), { force: true });
    return outcome;
  }

  // M10
  it('a table that is off by one page is found by its pages, and the file by its hash', async () => {
    const made = await copied(async (open, base) => {
      const { repository } = open;
      const table = await readPageTable(repository, base.table);
      const wrong = { ...table, slot: table.slot.map((slot, page) => (page === 5 ? slot + 1 : slot)) };
      await appendBase(open, base, { table: await repository.put('table', encodePageTable(wrong), repository.structure), revision: base.revision + 1000, depth: 0 });
    });
    assert.match((await problemsOf(made)).join(), /^packs\/\S+: page \d+ in it is another one than a table says$/);
    const number = (await openToRead(made.operation, made.store)).repository.chain.entries.at(-1)!.number;
    assert.match(await restored(made, `base:${number}`), new RegExp(`^base ${number}: put together from its pages it is not the file that etcd sent`));
    assert.equal(await restored(made, 'base:3'), 'restored');
    assert.equal((await verifyPoint(made.operation, made.store, `base:${number}`)).verdict.outcome, 'broken');
  });

  // M11
  it('a base whose table, or whose pack, was removed is named with its points, and the others come back', async () => {
    const made = await copied((open, base) => appendBase(open, base, { table: 'ab'.repeat(32), revision: base.revision + 1000 }));
    assert.match((await problemsOf(made, 0)).join(), /^tables\/ab\/(ab){32}: it is missing in /);
    assert.match(await restored(made, 'latest'), /^tables\/ab\/(ab){32}: it is missing in /);
    assert.equal(await restored(made, 'base:3'), 'restored');
  });

  it('a base twice is no harm', async () => {
    const made = await copied((open, base) => appendBase(open, base, {}));
    assert.deepEqual(await problemsOf(made), []);
    assert.equal(await restored(made, 'latest'), 'restored');
  });

  it('a base of the future is no harm to points before it', async () => {
    const made = await copied((open, base) => appendBase(open, base, { time: Date.now() + 10 * 365 * 86_400_000 }));
    assert.deepEqual(await problemsOf(made), []);
    for (const at of points) assert.equal(await restored(made, at), 'restored', at);
  });

  it('a log of another cluster is not replayed on a base', async () => {
    const made = await copied(async ({ repository, keys }, base) => {
      const records = [{ revision: base.revision + 1, received: Date.now(), changes: [...whole.log.get(base.revision + 1)!.changes] }];
      await appendRecords(repository, { records, leases: new Map() }, { writer: keys.writer, timeline: 'another:0', member: 'm1', key: await newCapture(repository) });
    });
    assert.match((await problemsOf(made)).join(), /no base leads to revisions \d+ to \d+ of the log/);
    for (const at of points) assert.equal(await restored(made, at), 'restored', at);
  });

  for (const [title, from, to, records, why] of [
    ['a gap of one revision', 2, 3, [2, 3], /do not follow on/],
    ['a piece that the log has already', 0, 0, [0], /do not follow on/],
    ['a piece that has more than the log, and something else', -1, 1, [-1, 1], /do not follow on/],
    ['records that are not those of their entry', 1, 3, [1, 2], /its records are not those of revisions/],
    ['an end before its beginning', 3, 1, [3], /do not follow on/],
  ] as const) {
    it(`${title} in the log is named, and what does not need it comes back`, async () => {
      const made = await copied(async ({ repository, keys }, base) => {
        const end = logEnd(repository.chain.entries, base.timeline)!;
        const key = await newCapture(repository);
        const of = (revision: number) => ({ revision, received: Date.now(), changes: [{ ...whole.log.get(base.revision + 1)!.changes[0]!, revision }] });
        const segment = encodeSegment({ records: Array.from({ length: records.at(-1)! - records[0] + 1 }, (_, index) => of(end + records[0] + index)), leases: new Map() });
        const payload = encryptObject(segment, { repository: Buffer.from(repository.id, 'hex'), kind: 'segment' }, key).toString('base64');
        await repository.chain.append('segment', keys.writer, () => ({ timeline: base.timeline, first: end + from, last: end + to, from: Date.now(), to: Date.now(), member: 'm1', capture: Buffer.from(key.capture).toString('hex'), fingerprint: '', payload }));
      });
      assert.match((await problemsOf(made)).join(), why);
      assert.match(await restored(made, 'latest'), why);
      assert.equal(await restored(made, 'base:3'), 'restored');
    });
  }

  it('a piece of the log that grows without end when it is opened is not opened', async () => {
    const made = await copied(async ({ repository, keys }, base) => {
      const end = logEnd(repository.chain.entries, base.timeline)!;
      const key = await newCapture(repository);
      const bomb = encryptObject(Buffer.alloc(64 << 20), { repository: Buffer.from(repository.id, 'hex'), kind: 'segment' }, key);
      bomb.writeUInt32LE(0xffffffff, 56);
      await repository.chain.append('segment', keys.writer, () => ({ timeline: base.timeline, first: end + 1, last: end + 1, from: Date.now(), to: Date.now(), member: 'm1', capture: Buffer.from(key.capture).toString('hex'), fingerprint: '', payload: bomb.toString('base64') }));
    });
    assert.match((await problemsOf(made)).join(), /it claims to hold 4294967295 bytes/);
    assert.match(await restored(made, 'latest'), /it claims to hold 4294967295 bytes/);
  });

  // M12
  it('by a key that is none of the writers: everybody refuses it by name', async () => {
    const made = await copied(async ({ repository, keys }, base) => {
      const { number, hash: previous } = repository.chain.newest!;
      const head = { number: number + 1, previous, epoch: 0, catalog: 0, kind: 'base' as const };
      const body = encryptObject(Buffer.from(JSON.stringify(base)), { repository: Buffer.from(repository.id, 'hex'), kind: 'entry' }, repository.structure);
      await repository.store.create(entryName(number + 1), encodeEntry({ ...head, writer: keys.writer.writer, body }, newSigningKey().key));
    });
    assert.match((await problemsOf(made)).join(), /^chain\/[0-9a-f]{16}: it is not signed by a writer of this repository/);
    assert.match(await restored(made, 'base:3'), /^chain\/[0-9a-f]{16}: it is not signed by a writer of this repository/);
  });
});
