import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { baseValues } from '../../src/backup/base-values.ts';
import { captureKeys, newCapture } from '../../src/backup/captures.ts';
import { encodeLeaves, IndexWriter } from '../../src/backup/format/key-index.ts';
import { placesOf } from '../../src/backup/key-index.ts';
import { objectName } from '../../src/backup/format/object-name.ts';
import type { Base } from '../../src/backup/points.ts';
import type { Repository } from '../../src/backup/repository.ts';
import { reachedObjects } from '../../src/backup/retention/reached-objects.ts';
import { takeBase } from '../../src/backup/take-base.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';
import { madeRepository, type MadeRepository } from '../support/backup-repository.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';

const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? 5);
const all = () => true;

describe(`the key index of bases of a real etcd (KUBEKEEP_TEST_SEED=${seed})`, () => {
  const draw = seededDraw(seed);
  const below = (limit: number) => Math.floor(draw() * limit);
  let folder: string;
  let etcd: LoneEtcd;
  let made: MadeRepository;
  let repository: Repository;
  const bases: Base[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-index-'));
    etcd = await loneEtcd(folder);
    made = await madeRepository();
    repository = await made.open();
    for (let round = 0; round < 10; round++) await write(90, () => `/registry/things/${round}-${below(1000)}`, () => 1 + below(3000));
    for (let round = 0; round < 9; round++) {
      await write(1 + below(60), () => `/registry/things/${below(10)}-${below(1000)}`, () => (below(3) === 0 ? 0 : below(9000)));
      const { revision } = await etcd.client.status();
      if (round % 3 === 1) await etcd.compact(revision - below(3));
      bases.push(await take());
    }
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const take = () => takeBase(repository, { timeline: 'c1:0', etcd: '3.7.3', member: 'm1', quorum: true, snapshot: () => etcd.client.snapshot(), hashes: async () => [] }, { writer: made.keys.writer, spoolFolder: folder, now: Date.now });

  /** Of length 0: deleted. */
  async function write(count: number, key: () => string, length: () => number): Promise<void> {
    await etcd.write(Object.fromEntries(Array.from({ length: count }, () => [key(), length()] as const).map(([name, size]) => [name, size === 0 ? undefined : 'v'.repeat(size)])));
  }

  /** With what was said of the index, and how many bytes were fetched. */
  async function valuesOf(base: Base, wanted: (key: string) => boolean) {
    const told: string[] = [];
    let fetched = 0;
    const pieces = await Array.fromAsync(baseValues(repository, base, captureKeys(repository, made.identity), { wanted, onIndex: ({ message }) => told.push(message), onBytes: (bytes) => (fetched = bytes) }));
    const values = pieces.flat();
    const found = new Map(values.map(([key, { revision, value }]) => [key, `${revision} ${value.length}`]));
    assert.equal(found.size, values.length, 'no key is given twice');
    return { found, told, fetched };
  }
  const scanned = async (base: Base, wanted: (key: string) => boolean) => (await valuesOf({ ...base, index: undefined }, wanted)).found;

  it('gives what reading all of a base gives', async () => {
    for (const base of bases) {
      for (const wanted of [all, (key: string) => key.endsWith('7'), () => false]) {
        const { found, told } = await valuesOf(base, wanted);
        assert.deepEqual([new Map([...found].sort()), told], [new Map([...await scanned(base, wanted)].sort()), []], `base ${base.number}`);
      }
    }
  });

  it('stands on that of the base before, and says only what changed', async () => {
    assert.deepEqual(bases.map(({ index }) => index!.rows.length), bases.map((_, at) => at + 1));
    const rows = await Promise.all(bases.map(async ({ index }) => (await repository.get('index', index!.rows[0]!, captureKeys(repository, made.identity))).length));
    assert.ok(rows.slice(1).every((length) => length < rows[0]! / 2), rows.join());
  });

  it('is kept as long as a base needs it', async () => {
    const reached = await reachedObjects(repository, repository.chain.entries.filter(({ kind, number }) => kind !== 'base' || number === bases.at(-1)!.number));
    const { leaves, rows } = bases.at(-1)!.index!;
    for (const hash of [leaves, ...rows]) assert.ok(reached.has(objectName('index', hash)));
  });

  it('that says anything but what is there is named, and what is there is given', async () => {
    const base = bases.at(-1)!;
    const wanted = await scanned(base, all);
    const key = await newCapture(repository);
    const [one, place] = [...(await placesOf(repository, base, captureKeys(repository, made.identity), all))!][5]!;
    const other = [...wanted.keys()].find((name) => name !== one)!;
    const row = { ...place, key: one, deleted: false };
    const lies: readonly (readonly [string, Buffer])[] = [
      ['an older revision', saying(place.page, [{ ...row, revision: place.revision - 1 }])],
      ['another place in the revision', saying(place.page, [{ ...row, sub: place.sub + 1 }])],
      ['another key', saying(place.page, [{ ...row, key: `${other}x` }])],
      ['a page that has no rows', saying(0, [row])],
      ['a page that the file does not have', saying(9_000_000, [row])],
      ['nothing that can be read', Buffer.from('nothing')],
    ];
    for (const [title, bytes] of lies) {
      const index = { leaves: await repository.put('index', encodeLeaves([0, place.page, 9_000_000]), repository.structure), rows: [await repository.put('index', bytes, key)] };
      const { found, told } = await valuesOf({ ...base, index }, all);
      assert.deepEqual(new Map([...found].sort()), new Map([...wanted].sort()), title);
      assert.ok(told.length === 1 && /indexes\/|page/.test(told[0]!), `${title}: ${told.join()}`);
    }
  });

  it('begins anew where what the parent says of its pages is lost: a base is taken all the same', async () => {
    await rm(join(made.folder, objectName('index', bases.at(-1)!.index!.leaves)));
    const base = await take();
    assert.equal(base.index!.rows.length, 1);
    const { found, told } = await valuesOf(base, all);
    assert.deepEqual([new Map([...found].sort()), told], [new Map([...await scanned(base, all)].sort()), []]);
  });
});

function saying(page: number, rows: Parameters<IndexWriter['add']>[1]): Buffer {
  const writer = new IndexWriter();
  writer.add(page, rows);
  return writer.done();
}
