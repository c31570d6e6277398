import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { captureKeys, newCapture } from '../../src/backup/captures.ts';
import { changeRecipients } from '../../src/backup/change-recipients.ts';
import { appendRecords } from '../../src/backup/change-log/append-log.ts';
import { logEnd } from '../../src/backup/change-log/coverage.ts';
import { basesOf, type Base } from '../../src/backup/points.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import type { Store } from '../../src/backup/store/store.ts';
import { takeBase } from '../../src/backup/take-base.ts';
import { writeSnapshot } from '../../src/backup/write-snapshot.ts';
import { KubekeepError } from '../../src/lib/errors.ts';
import { openToRead, openToWrite } from '../../src/operations/backup/open-backup.ts';
import { restoreFile } from '../../src/operations/backup/restore-file.ts';
import { verifyPoint } from '../../src/operations/backup/verify-point.ts';
import { verifyRepository } from '../../src/operations/backup/verify-repository.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { keptCluster, type KeptCluster } from '../support/kept-cluster.ts';
import { smallDisk, type SmallDisk } from '../support/small-disk.ts';

const room = { hint: /^Make room (on that disk and run it again|there\. Nothing was written)/ };

describe('a disk that is full', () => {
  let kept: KeptCluster;
  let disk: SmallDisk;
  let base: Base;
  before(async () => {
    kept = await keptCluster();
    base = await kept.takeBase();
    for (const name of ['one', 'two', 'three', 'four', 'five']) await kept.api.post('/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { much: randomBytes(600_000).toString('base64') } });
    const { revision } = await kept.etcd.status();
    await kept.follow(() => revision);
    disk = await smallDisk(240 << 20);
  });
  after(async () => {
    await disk[Symbol.asyncDispose]();
    await kept[Symbol.asyncDispose]();
  });

  /** Replayed from the first base. */
  const between = () => `revision:${base.revision + 4}`;
  const expectWhole = async (store: Store = kept.store, operation: Operation = kept.operation) => assert.deepEqual((await verifyRepository(operation, store, { share: 1, seed: 1 })).problems, []);
  /** The state folder, on the disk. */
  async function stateThere(): Promise<Operation> {
    const path = join(disk.path, 'state', 'prod');
    await cp(kept.operation.state.path, path, { recursive: true });
    return { ...kept.operation, state: { ...kept.operation.state, path } };
  }
  async function take(store: Store, spoolFolder: string, operation: Operation = kept.operation): Promise<Base> {
    const { repository, keys } = await openToWrite(operation, store);
    return takeBase(repository, { timeline: base.timeline, etcd: base.etcd, member: 'm1', quorum: true, hashes: async () => [], snapshot: () => kept.etcd.snapshot() }, { writer: keys.writer, spoolFolder, now: Date.now });
  }
  const basesIn = async (store: Store) => basesOf((await openToRead(kept.operation, store)).repository.chain).length;

  it('where snapshots are spooled: no base is counted, and there is one when there is room', async () => {
    const before = await basesIn(kept.store);
    await disk.leave(100_000);
    await assert.rejects(take(kept.store, disk.path), { code: 'store-failed', message: /spool-.* cannot be written: ENOSPC/, ...room });
    await expectWhole();
    assert.equal(await basesIn(kept.store), before);
    assert.deepEqual(await readdir(disk.path), ['filler']);
    await disk.leave(100 << 20);
    await take(kept.store, disk.path);
    await expectWhole();
  });

  it('where the repository is: what cannot be written is named, the rest stays whole, and all goes on when there is room', async () => {
    const store = folderStore(join(disk.path, 'repository'));
    const operation: Operation = { ...kept.operation, state: { ...kept.operation.state, path: join(kept.folder, 'other-state') } };
    await disk.leave(100 << 20);
    await cp(kept.store.place, store.place, { recursive: true });
    await cp(kept.operation.state.path, operation.state.path, { recursive: true });
    const { repository, keys, identity } = await openToWrite(operation, store);
    const { timeline } = base;
    const [bob, end] = [await identityToRecipient(await generateX25519Identity()), logEnd(repository.chain.entries, timeline)!];
    const records = [1, 2].map((one) => ({ revision: end + one, received: Date.now(), changes: [{ revision: end + one, key: Buffer.from('k'), value: randomBytes(300_000), createRevision: end + one, version: 1, lease: 0n }] }));
    const writes: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['a base', () => take(store, kept.folder, operation)],
      ['the log', async () => appendRecords(repository, { records, leases: new Map() }, { writer: keys.writer, timeline, member: 'm1', key: await newCapture(repository) })],
      ['a catalog', () => repository.chain.catalog(keys.writer, [])],
      ['keys', () => changeRecipients(repository, ({ recipients, escrow }) => ({ recipients: [...new Set([...recipients, bob])], escrow }), { keys, identity, now: Date.now })],
    ];
    for (const [what, write] of writes) {
      // A file takes pages, and its folder may be new.
      for (const left of [0, 4096, 12_288]) {
        await disk.leave(left);
        await assert.rejects(write(), { code: 'store-failed', message: /cannot write (packs|indexes|tables|captures|chain|keys|sealed|escrow|head)\S* in .*: ENOSPC/, ...room }, `${what}, ${left}`).catch((error: unknown) => {
          // The smallest have room.
          if (left === 0 || what === 'a base' || what === 'the log') throw error;
        });
        await expectWhole(store, operation);
        assert.deepEqual((await readdir(store.place, { recursive: true })).filter((name) => name.includes('.writing-')), [], what);
      }
      await disk.leave(100 << 20);
      await write();
      await expectWhole(store, operation);
    }
    assert.equal(logEnd((await openToRead(operation, store)).repository.chain.entries, timeline), end + 2);
    await rm(store.place, { recursive: true });
  });

  it('where a point is wanted: nothing is there but what was, for a base and between two', async () => {
    const path = join(disk.path, 'out.db');
    await writeFile(path, 'old');
    // From none, which is seen before, to what the base takes and the log does not have any more.
    const failed: number[] = [];
    for (const [at, rooms] of [[`base:${base.number}`, [0, 0.1, 0.9]], [between(), [0, 0.1, 0.9, 1.2, 2, 4]]] as const) {
      for (const part of rooms) {
        const left = Math.floor(part * base.length);
        await disk.leave(left);
        const error: unknown = await restoreFile(kept.operation, kept.store, { at, path }).then(() => undefined, (caught: unknown) => caught);
        if (error === undefined && part > 1) {
          await writeFile(path, 'old');
          continue;
        }
        failed.push(part);
        assert.ok(error instanceof KubekeepError, `${at}, ${left}: ${String(error)}`);
        assert.deepEqual([error.code, room.hint.test(error.hint ?? '')], ['file-missing', true], `${at}, ${left}: ${error.message}`);
        assert.equal(await readFile(path, 'utf8'), 'old');
        assert.deepEqual((await readdir(disk.path)).sort(), ['filler', 'out.db']);
      }
      await disk.leave(200 << 20);
      await restoreFile(kept.operation, kept.store, { at, path });
      assert.ok((await stat(path)).size > 100_000);
      await writeFile(path, 'old');
    }
    // A disk may also be filled by somebody else meanwhile: the kernel takes a part of a write then.
    const { repository, identity } = await openToRead(kept.operation, kept.store);
    await disk.leave(Math.floor(0.9 * base.length));
    await assert.rejects(writeSnapshot(repository, base, path, captureKeys(repository, identity)), { code: 'file-missing', message: /out\.db\.part cannot be written: ENOSPC/, ...room });
    assert.ok(failed.includes(1.2), `${failed.join()} times etcd's file`);
    await rm(path);
  });

  it('where the state is: it is no verdict on a point, and what was noted before stays', async () => {
    await disk.leave(200 << 20);
    const operation = await stateThere();
    const seen = join(operation.state.path, 'repository-seen.json');
    await rm(seen);
    await disk.leave(0);
    await assert.rejects(openToRead(operation, kept.store), { code: 'file-missing', message: /state\/\S+ cannot be written: ENOSPC/, ...room });
    assert.deepEqual((await readdir(operation.state.path)).filter((name) => name.endsWith('.new') || name === 'repository-seen.json'), []);
    const entries = async () => (await openToRead(kept.operation, kept.store)).repository.chain.entries.length;
    const before = await entries();
    for (const part of [0.1, 0.9, 1.2]) {
      await disk.leave(Math.floor(part * base.length));
      await assert.rejects(verifyPoint(operation, kept.store, between()), { code: 'file-missing', ...room }, String(part));
      assert.deepEqual((await readdir(operation.state.path)).filter((name) => name.startsWith('verify-')), []);
    }
    assert.equal(await entries(), before);
  });
});
