import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openSnapshot } from '../../src/backup/open-snapshot.ts';
import { extendSnapshot } from '../../src/backup/extend-snapshot.ts';
import type { LogRecord } from '../../src/backup/change-log/log-record.ts';
import { fnv1a, openBolt, type BoltFile } from '../../src/bolt/bolt-file.ts';
import { hashKvOf, revisionsOf } from '../../src/bolt/key-space.ts';
import { connectEtcd } from '../../src/clients/etcd/connect-etcd.ts';
import { rowEncoder } from '../../src/clients/etcd/stored-rows.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';
import { startScratchEtcd } from '../../src/programs/scratch-etcd.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';

const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? 7);
const program = (name: 'etcd' | 'etcdutl' | 'etcdctl') => ({ name, version: '3.7.3', platform: 'linux-amd64' as const, path: cachedProgram(name, '3.7.3'), sha256: '', size: 0 });
const rows = rowEncoder();
const options = { signal: new AbortController().signal, onRevision: () => {} };

describe(`a backend file that was added to (KUBEKEEP_TEST_SEED=${seed})`, () => {
  let folder: string;
  let etcd: LoneEtcd;
  const draw = seededDraw(seed);
  const below = (limit: number) => Math.floor(draw() * limit);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-grow-'));
    etcd = await loneEtcd(folder);
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Looks at every page: bbolt's own check, and all rows. */
  const status = (path: string) => JSON.parse(execFileSync(program('etcdutl').path, ['snapshot', 'status', path, '-w', 'json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })) as { readonly revision: number; readonly totalKey: number };

  /** bbolt's check does not ask for it, and bbolt panics when it takes out the rows below a branch of one. */
  const refuseOddPages = (bolt: BoltFile) => {
    const [leaf, ...branches] = bolt.edge('key')!;
    for (const branch of branches) assert.ok(branch.length >= 1, 'a branch has one page below it');
    const bytes = leaf!.reduce((sum, one) => sum + 16 + one.key.length + ('value' in one ? one.value.length : 0), 16);
    // Three that are as long as a page, at the most.
    assert.ok(bytes <= bolt.pageSize || leaf!.length <= 3, `a leaf has ${leaf!.length} rows in ${bytes} bytes`);
  };

  /** Revisions as etcd would make them, and what it would have then. */
  class Keys {
    readonly living = new Map<string, { readonly createRevision: number; readonly version: number }>();
    revision = 1;

    next(most: number): LogRecord {
      const revision = ++this.revision;
      const changes = [...new Set(Array.from({ length: 1 + below(most) }, () => `/registry/${below(500)}`))].map((name) => {
        const [before, key, lease] = [this.living.get(name), Buffer.from(name), below(5) === 0 ? BigInt(below(50)) - 25n : 0n];
        if (before && below(3) === 0) {
          this.living.delete(name);
          return { revision, key, value: undefined, createRevision: 0, version: 0, lease: 0n };
        }
        const now = { createRevision: before?.createRevision ?? revision, version: (before?.version ?? 0) + 1 };
        this.living.set(name, now);
        return { revision, key, value: Buffer.alloc(below(40) === 0 ? below(20_000) : below(60), draw().toString()), lease, ...now };
      });
      return { revision, received: 0, changes };
    }
  }

  for (const pageSize of [1024, 4096, 65_536]) {
    it(`with pages of ${pageSize} bytes has all rows, in pages that bbolt takes, after any transactions`, async () => {
      const path = join(folder, `pages-${pageSize}.db`);
      await writeFile(path, withTrailer(emptyFile(pageSize)));
      const [keys, expected, leases] = [new Keys(), [] as string[], new Map<bigint, string>()];
      // Few rows, none but one, and so many that there are branches above branches.
      for (const count of [1, 3, 40, 1, 2500, 7, 400]) {
        const records = Array.from({ length: count }, () => keys.next(count === 2500 ? 12 : 4));
        await extendSnapshot(path, oneSegment(records), options);
        for (const { changes } of records) {
          for (const [sub, change] of changes.entries()) {
            const row = rows.change(change, sub);
            expected.push(`${row.key.toString('hex')} ${row.value.toString('hex')}`);
            if (change.lease !== 0n) leases.set(change.lease, rows.lease(change.lease, Number(change.lease + 100n)).value.toString('hex'));
          }
        }
        const { revision, totalKey } = status(path);
        assert.deepEqual({ revision, totalKey }, { revision: keys.revision, totalKey: keys.living.size });
        await using snapshot = await openSnapshot(path);
        const bolt = openBolt(snapshot);
        assert.deepEqual(Array.from(bolt.rows('key'), ({ key, value }) => `${key.toString('hex')} ${value.toString('hex')}`), expected);
        assert.deepEqual(new Map(Array.from(bolt.rows('lease'), ({ key, value }) => [key.readBigInt64BE(), value.toString('hex')])), leases);
        assert.equal(revisionsOf(bolt).current, keys.revision);
        refuseOddPages(bolt);
      }
      const { hash } = JSON.parse(execFileSync(program('etcdutl').path, ['hashkv', path, '-w', 'json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as { hash: number };
      await using snapshot = await openSnapshot(path);
      assert.equal(await hashKvOf(openBolt(snapshot), keys.revision, -1), hash);
    });
  }

  it('has no page that bbolt would not make, however far the last one is filled', async () => {
    const path = join(folder, 'filled.db');
    await writeFile(path, withTrailer(emptyFile(1024)));
    for (let revision = 2; revision < 240; revision++) {
      await extendSnapshot(path, oneSegment([{ revision, received: 0, changes: [{ revision, key: Buffer.from(`/${revision}`), value: Buffer.alloc(100), lease: 0n, createRevision: revision, version: 1 }] }]), options);
      await using snapshot = await openSnapshot(path);
      refuseOddPages(openBolt(snapshot));
    }
    assert.deepEqual(status(path), { ...status(path), revision: 239, totalKey: 238 });
  });

  it('is one that etcd goes on with: it writes, deletes, forgets and gives space back, in pages that it did not make', async () => {
    for (let round = 0; round < 30; round++) await etcd.write(Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`/registry/${round}-${number}`, 'v'.repeat(below(3000))])));
    await etcd.compact((await etcd.client.status()).revision - 5);
    const path = join(folder, 'real.db');
    await writeFile(path, Buffer.concat(await Array.fromAsync(etcd.client.snapshot())));
    const { revision } = await etcd.client.status();
    const keys = new Keys();
    keys.revision = revision;
    await extendSnapshot(path, oneSegment(Array.from({ length: 3000 }, () => keys.next(6))), options);
    const bumped = join(folder, 'bumped');
    execFileSync(program('etcdutl').path, ['snapshot', 'restore', path, '--bump-revision', '1000000', '--mark-compacted', '--data-dir', bumped], { stdio: 'ignore' });
    assert.equal(status(join(bumped, 'member/snap/db')).revision, keys.revision + 1_000_000);
    const scratchFolder = await mkdtemp(join(folder, 'scratch-'));
    await using scratch = await startScratchEtcd({ etcd: program('etcd'), etcdutl: program('etcdutl'), snapshot: path, folder: scratchFolder });
    const client = connectEtcd({ socketPath: scratch.socketPath, serverName: 'scratch', tls: undefined });
    while (!(await client.canRead())) await systemClock.sleep(50);
    const grown = join(folder, 'grown.db');
    const compacts = [keys.revision - 2000, keys.revision - 1, keys.revision + 40];
    for (const [round, compacted] of compacts.entries()) {
      for (let write = 0; write < 50; write++) await client.commit([...new Set(Array.from({ length: 10 }, () => `/registry/${below(500)}`))].map((key) => ({ key: Buffer.from(key), value: below(2) === 0 ? undefined : Buffer.alloc(below(3000)), lease: 0n })));
      execFileSync(program('etcdctl').path, ['--endpoints', `unix://${scratch.socketPath}`, 'compact', '--physical', String(compacted)], { stdio: 'ignore' });
      if (round === 1) await client.defragment();
      await writeFile(grown, Buffer.concat(await Array.fromAsync(client.snapshot())));
      assert.ok(status(grown).revision >= keys.revision + 1);
      await using snapshot = await openSnapshot(grown);
      const told = await client.hashKv(revisionsOf(openBolt(snapshot)).current);
      assert.equal(await hashKvOf(openBolt(snapshot), told.revision, told.compactRevision), told.hash, `after ${compacted}`);
    }
    client.close();
  });
});

async function* oneSegment(records: readonly LogRecord[]) {
  yield { records, leases: new Map(Array.from({ length: 51 }, (_, index) => [BigInt(index) - 25n, index + 75])) };
}

function withTrailer(file: Buffer): Buffer {
  return Buffer.concat([file, createHash('sha256').update(file).digest()]);
}

/** The smallest file that bbolt opens with the buckets that etcd cannot be without: each lies inside its row. */
function emptyFile(pageSize: number): Buffer {
  const file = Buffer.alloc(3 * pageSize);
  for (const id of [0, 1]) {
    const page = file.subarray(id * pageSize, (id + 1) * pageSize);
    page.writeUInt8(id, 0);
    page.writeUInt16LE(4, 8);
    const meta = page.subarray(16);
    for (const [at, value] of [[0, 0xed0cdaed], [4, 2], [8, pageSize], [16, 2], [40, 3], [48, 5 - id]] as const) meta.writeUInt32LE(value, at);
    meta.fill(0xff, 32, 40);
    meta.writeBigUInt64LE(fnv1a(meta.subarray(0, 56)), 56);
  }
  const names = ['key', 'lease', 'meta'];
  const top = file.subarray(2 * pageSize);
  for (const [at, value] of [[0, 2], [8, 2 | (names.length << 16)]] as const) top.writeUInt32LE(value, at);
  let data = 16 + names.length * 16;
  for (const [index, name] of names.entries()) {
    const at = 16 + index * 16;
    for (const [field, value] of [1, data - at, name.length, 32].entries()) top.writeUInt32LE(value, at + field * 4);
    top.write(name, data);
    top.writeUInt16LE(2, data + name.length + 16 + 8);
    data += name.length + 32;
  }
  return file;
}
