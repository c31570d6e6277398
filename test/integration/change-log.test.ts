import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { captureKeys } from '../../src/backup/captures.ts';
import { logEnd } from '../../src/backup/change-log/coverage.ts';
import { openBolt } from '../../src/bolt/bolt-file.ts';
import { livingKeys } from '../../src/bolt/key-space.ts';
import { fingerprintOf } from '../../src/backup/change-log/log-record.ts';
import { LogBuffer } from '../../src/backup/change-log/log-buffer.ts';
import { readLog } from '../../src/backup/change-log/read-log.ts';
import { extendSnapshot } from '../../src/backup/extend-snapshot.ts';
import type { Segment } from '../../src/backup/format/segment.ts';
import { connectEtcd, type EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { EtcdError } from '../../src/clients/etcd/etcd-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';
import { startScratchEtcd } from '../../src/programs/scratch-etcd.ts';
import { LogCapturer } from '../../src/operations/backup/log-capturer.ts';
import { emptyBase, madeRepository } from '../support/backup-repository.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';

const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? 7);
const program = (name: 'etcd' | 'etcdutl') => ({ name, version: '3.7.3', platform: 'linux-amd64' as const, path: cachedProgram(name, '3.7.3'), sha256: '', size: 0 });

describe(`the log of a real etcd (KUBEKEEP_TEST_SEED=${seed})`, () => {
  let folder: string;
  let etcd: LoneEtcd;
  const draw = seededDraw(seed);
  const below = (limit: number) => Math.floor(draw() * limit);
  const { signal } = new AbortController();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-log-'));
    etcd = await loneEtcd(folder);
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Puts, deletes and transactions of both, some with leases. */
  async function writeSome(count: number): Promise<void> {
    for (let write = 0; write < count; write++) {
      const keys = [...new Set(Array.from({ length: 1 + below(6) }, () => `/registry/things/${below(40)}`))];
      const lease = BigInt(1 + below(3));
      if (below(3) === 0) await etcd.client.grantLease(lease, 600);
      else await etcd.client.grantLease(0x7fffn, 600);
      await etcd.client.commit([...keys.map((key) => ({ key: Buffer.from(key), value: below(4) === 0 ? undefined : Buffer.from('v'.repeat(below(3000))), lease: 0n })), { key: Buffer.from(`/registry/leased/${write % 9}`), value: Buffer.from(String(draw())), lease: 0x7fffn }]);
    }
  }

  async function watched(after: number, until: number, client: EtcdClient = etcd.client): Promise<Segment> {
    const buffer = new LogBuffer(after);
    for await (const { changes, upTo } of client.watch(after, { every: 50 })) {
      buffer.add(changes, Date.now());
      for (const { lease } of changes) if (lease !== 0n) buffer.learn(lease, (await client.leaseTtl(lease))!);
      assert.ok(upTo === undefined || upTo <= buffer.end, `it says ${upTo} and gave ${buffer.end}`);
      if (buffer.end >= until) break;
    }
    return buffer.segment()!;
  }

  async function snapshotOf(client: EtcdClient, name: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, Buffer.concat(await Array.fromAsync(client.snapshot())));
    return path;
  }

  it('has every revision, and replayed on a base it gives the very same keys, values, revisions and hash', async () => {
    await writeSome(50);
    const base = await snapshotOf(etcd.client, 'base.db');
    const { revision: from } = await etcd.client.status();
    const writing = writeSome(200);
    const live = watched(from, from + 200);
    await writing;
    const { revision: to } = await etcd.client.status();
    const log = await watched(from, to);
    assert.deepEqual(log.records.map(({ revision }) => revision), Array.from({ length: to - from }, (_, index) => from + 1 + index));
    const { records } = await live;
    assert.deepEqual(log.records.slice(0, records.length).map(({ changes }) => changes), records.map(({ changes }) => changes), 'live and from history is the same');
    for (const at of [from + 1, from + 1 + below(to - from), to]) {
      const scratchFolder = await mkdtemp(join(folder, 'scratch-'));
      const snapshot = join(scratchFolder, 'point.db');
      await copyFile(base, snapshot);
      async function* pieces() {
        for (const record of log.records) if (record.revision <= at) yield { records: [record], leases: log.leases };
      }
      await extendSnapshot(snapshot, pieces(), { signal, onRevision: () => {} });
      await using scratch = await startScratchEtcd({ etcd: program('etcd'), etcdutl: program('etcdutl'), snapshot, folder: scratchFolder });
      const client = connectEtcd({ socketPath: scratch.socketPath, serverName: 'scratch', tls: undefined });
      while (!(await client.canRead())) await systemClock.sleep(50);
      assert.deepEqual((({ hash, revision }) => ({ hash, revision }))(await client.hashKv(at)), (({ hash, revision }) => ({ hash, revision }))(await etcd.client.hashKv(at)), `revision ${at}`);
      assert.equal(await client.leaseTtl(0x7fffn), 600);
      client.close();
    }
  });

  it('is complete after a store that stood still, which etcd did not wait for, and the wait is said', async () => {
    await using made = await madeRepository();
    const [repository, { clusterId, revision }, said] = [await made.open(), await etcd.client.status(), [] as string[]];
    const timeline = `${clusterId}:0`;
    await emptyBase(repository, made.keys, { timeline, revision });
    const [blocked, gate, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), new AbortController()];
    const { create } = repository.store;
    repository.store.create = async (name, bytes) => {
      blocked.resolve();
      await gate.promise;
      return create(name, bytes);
    };
    const member = { spec: { name: 'm1' }, client: etcd.client, reads: true, stored: true, diverged: false, status: await etcd.client.status() };
    let later = 0;
    const capturer = new LogCapturer({
      repository, writer: made.keys.writer, signal: end.signal, progress: ({ title }) => said.push(title), clock: { ...systemClock, now: () => Date.now() + later },
      ask: async () => ({ chosen: member, nearest: member, names: ['m1'], clients: new Map(), [Symbol.dispose]: () => {} }), takeBase: () => Promise.reject(new Error('it has one')), remember: async () => {},
    });
    const running = capturer.capture().catch(() => {});
    // More than gRPC takes for a watch that nobody reads.
    const write = () => etcd.client.commit([{ key: Buffer.from('/registry/large'), value: Buffer.alloc(1_000_000, 'v'), lease: 0n }]);
    const first = await write();
    await Promise.race([blocked.promise, running]);
    for (let count = 0; count < 40; count++) await write();
    const { revision: last } = await etcd.client.status();
    assert.equal(logEnd(repository.chain.entries, timeline), undefined);
    later = 60_000;
    gate.resolve();
    const complete = async () => {
      while ((logEnd(repository.chain.entries, timeline) ?? 0) < last) await systemClock.sleep(50);
    };
    await Promise.race([complete(), running]);
    end.abort();
    await running;
    assert.match(said.join(), /the log has all up to revision \d+ of etcd, \d+ s late: the store is slow/);
    const read = await Array.fromAsync(readLog(repository, { timeline, first, last }, captureKeys(repository, made.identity)));
    assert.equal(read.flatMap(({ records }) => records).length, last - revision);
  });

  it('is refused where it is replayed on another base', async () => {
    const { revision: from } = await etcd.client.status();
    await writeSome(3);
    const log = await watched(from, from + 3);
    await assert.rejects(extendSnapshot(join(folder, 'base.db'), (async function* () { yield log; })(), { signal, onRevision: () => {} }), { code: 'data-damaged', message: /revision \d+ came after \d+$/ });
  });

  it('says how far it is where nothing changes', async () => {
    const { revision } = await etcd.client.status();
    let told = 0;
    for await (const { changes, upTo } of etcd.client.watch(revision, { every: 50 })) {
      assert.deepEqual(changes, []);
      if (upTo === undefined) continue;
      assert.equal(upTo, revision);
      if (++told === 3) break;
    }
    assert.equal(told, 3);
  });

  it('cannot begin where etcd was compacted, and can at the compaction itself', async () => {
    await writeSome(5);
    const { revision } = await etcd.client.status();
    await etcd.client.commit([{ key: Buffer.from('/registry/deleted'), value: Buffer.from('1'), lease: 0n }]);
    await etcd.client.commit([{ key: Buffer.from('/registry/deleted'), value: undefined, lease: 0n }, { key: Buffer.from('/registry/kept'), value: Buffer.from('1'), lease: 0n }]);
    await etcd.client.commit([{ key: Buffer.from('/registry/after'), value: Buffer.from('1'), lease: 0n }]);
    const written = await watched(revision + 1, revision + 2);
    await etcd.compact(revision + 2);
    const fingerprint = fingerprintOf(written.records[0]!.changes, new Uint8Array(32));
    for await (const { again } of etcd.client.watch(revision + 2, { every: 50 })) {
      if (again.length === 0) continue;
      assert.equal(fingerprintOf(again, new Uint8Array(32)), fingerprint, 'what etcd says once more of a revision is the same, also at its compaction');
      break;
    }
    await assert.rejects(watched(revision + 1, revision + 3), (error: unknown) => error instanceof EtcdError && error.reason === 'compacted');
    assert.deepEqual((await watched(revision + 2, revision + 3)).records.map((one) => one.revision), [revision + 3]);
  });

  it('names all keys of one revision as its own file does, however many', async () => {
    const rows = (from: number) => Array.from({ length: 120 }, (_, index) => ({ key: Buffer.from(`/registry/many/ä${from + index}`), value: Buffer.from('1'), lease: 0n }));
    await Promise.all(Array.from({ length: 170 }, (_, turn) => etcd.client.commit(rows(turn * 120), { deadline: 60_000 })));
    const named = await etcd.client.keys({ deadline: 60_000 });
    assert.ok(named.size > 20_000);
    assert.deepEqual(named, await livingKeys(openBolt(await etcd.snapshotFile())));
  });
});
