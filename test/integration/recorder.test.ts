import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { captureKeys } from '../../src/backup/captures.ts';
import { resolvePoint, type Base } from '../../src/backup/points.ts';
import type { EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';
import { openToRead } from '../../src/operations/backup/open-backup.ts';
import { replayInScratchEtcd, type ReplayedEtcd } from '../../src/operations/backup/scratch-replay.ts';
import { keptCluster, type KeptCluster } from '../support/kept-cluster.ts';
import { grantedTtl, readState, recorder, type Recorder } from '../support/recorder.ts';

const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? 7);
const revisions = Number(process.env['KUBEKEEP_TEST_REVISIONS'] ?? 200);

// The recorder shares no code with backups: etcdctl watches, and etcdctl reads what was replayed.
describe(`what is replayed is what a recorder saw (KUBEKEEP_TEST_SEED=${seed} KUBEKEEP_TEST_REVISIONS=${revisions})`, () => {
  let kept: KeptCluster;
  let seen: Recorder;
  let base: Base;
  /** The last revision that the log has. */
  let followed: number;
  const draw = seededDraw(seed);
  const below = (limit: number) => Math.floor(draw() * limit);
  const revision = async () => (await kept.etcd.status()).revision;
  const socketOf = ({ socketPath }: ReplayedEtcd) => ['--endpoints', `unix://${socketPath}`];

  /** Beside what the API server writes: puts, deletes, transactions of both, leases that stay and such that run out. */
  async function write(count: number, firstLease: bigint): Promise<void> {
    for (let number = 0; number < count; number++) {
      const lease = below(4) === 0 ? firstLease + BigInt(below(5)) : 0n;
      const short = below(40) === 0 ? BigInt(1000 + number) : undefined;
      if (lease !== 0n) await kept.etcd.grantLease(lease, 300 + Number(lease % 7n));
      if (short !== undefined) await kept.etcd.grantLease(short, 1);
      const keys = [...new Set(Array.from({ length: 1 + below(5) }, () => `/registry/random/${below(60)}`))];
      await kept.etcd.commit([
        ...keys.map((key) => ({ key: Buffer.from(key), value: below(4) === 0 ? undefined : Buffer.from(`${'v'.repeat(below(2000))}${draw()}`), lease })),
        { key: Buffer.from(`/registry/always/${number % 9}`), value: Buffer.from([0, 255, below(256)]), lease: short ?? 0n },
      ]);
    }
  }

  async function replayed(at: string, work: (etcd: ReplayedEtcd, revision: number) => Promise<void>): Promise<void> {
    const { repository, identity } = await openToRead(kept.operation, kept.store);
    const keys = captureKeys(repository, identity);
    const point = await resolvePoint(repository, at, keys);
    await using etcd = await replayInScratchEtcd(kept.operation, { repository, point, keys, folder: await mkdtemp(join(kept.folder, 'replay-')) });
    await work(etcd, point.revision);
  }

  before(async () => {
    kept = await keptCluster();
    seen = recorder(kept.etcdctl);
    await write(150, 2n ** 62n);
    base = await kept.takeBase();
    let until = Infinity;
    const following = kept.follow(() => until);
    // Leases that the base has, and others that only the log knows of.
    await write(250, 2n ** 62n);
    await write(250, 2n ** 62n + 100n);
    for (let number = 0n; number < 5n; number++) {
      await kept.etcd.grantLease(2n ** 62n + 200n + number, 700 + Number(number));
      await kept.etcd.commit([{ key: Buffer.from(`/registry/leased/${number}`), value: Buffer.from('x'), lease: 2n ** 62n + 200n + number }]);
    }
    until = followed = await revision();
    await following;
    await seen.reached(until);
  });
  after(async () => {
    await seen[Symbol.asyncDispose]();
    await kept[Symbol.asyncDispose]();
  });

  it('at each of many revisions: every key with value, lease, version, create and mod revision', async () => {
    await replayed('latest', async (etcd, last) => {
      assert.ok(last - base.revision > 400, `${last - base.revision} revisions`);
      let keys = 0;
      for (let count = 0; count < revisions; count++) {
        const at = base.revision + below(last - base.revision + 1);
        const state = await readState(socketOf(etcd), at);
        assert.deepEqual(state, seen.stateAt(at), `revision ${at}`);
        keys += state.size;
      }
      assert.ok(keys / revisions > 200, `${keys / revisions} keys a revision`);
      const leases = new Set([...seen.stateAt(last).values()].map((one) => (JSON.parse(one) as { lease: string }).lease).filter((lease) => lease.length > 15));
      let compared = 0;
      for (const lease of leases) {
        const granted = await grantedTtl(kept.etcdctl, lease);
        // Meanwhile one may have run out there.
        if (granted !== 0) compared++;
        if (granted !== 0) assert.equal(await grantedTtl(socketOf(etcd), lease), granted, `lease ${lease}`);
      }
      assert.ok(compared >= 5, `${compared} leases`);
    });
  });

  it('at a revision that is replayed for itself', async () => {
    for (let count = 0; count < 4; count++) {
      // Leases run out meanwhile, and nobody follows what goes with them.
      const at = base.revision + below(followed - base.revision);
      await replayed(`revision:${at}`, async (etcd) => {
        assert.equal((await etcd.client.status()).revision, at);
        assert.deepEqual(await readState(socketOf(etcd), 0), seen.stateAt(at), `revision ${at}`);
      });
    }
  });

  it('and not where a capturer wrote one event of another key', async () => {
    const from = await revision();
    await write(10, 2n ** 62n);
    const lossy = (client: EtcdClient): EtcdClient => ({
      ...client,
      async *watch(begin, options) {
        for await (const all of client.watch(begin, options)) yield { ...all, changes: all.changes.filter((change, index) => change.revision !== from + 5 || all.changes[index + 1]?.revision === from + 5) };
      },
    });
    const until = await revision();
    await kept.follow(() => until, { client: lossy });
    await seen.reached(until);
    await replayed('latest', async (etcd) => {
      assert.deepEqual(await readState(socketOf(etcd), from + 4), seen.stateAt(from + 4));
      assert.notDeepEqual(await readState(socketOf(etcd), from + 5), seen.stateAt(from + 5));
    });
  });
});
