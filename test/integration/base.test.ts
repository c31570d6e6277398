import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { Secret } from '../../src/lib/secret.ts';
import { createRepository, openRepository, openRepositoryAs } from '../../src/backup/repository.ts';
import { newOwnerKeys, newSigningKey, publicBytes, type SigningKey } from '../../src/backup/repository-keys.ts';
import { basesOf, resolvePoint, type Base } from '../../src/backup/points.ts';
import { planRetention } from '../../src/backup/retention/plan-retention.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import { takeBase, type BaseSource } from '../../src/backup/take-base.ts';
import { appendTimeline } from '../../src/backup/timelines.ts';
import { captureKeys } from '../../src/backup/captures.ts';
import { writeSnapshot } from '../../src/backup/write-snapshot.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';

const day = 86_400_000;
const canary = 'canary-2f6b1d';

describe('a base of a real etcd', () => {
  let folder: string;
  let etcd: LoneEtcd;
  const keys = newOwnerKeys();
  let identity: Secret;
  let now = Date.parse('2026-11-25T12:00:00Z');
  const place = () => join(folder, 'repository');
  const kept: Buffer[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-base-'));
    etcd = await loneEtcd(folder);
    identity = new Secret(await generateX25519Identity());
    await createRepository(folderStore(place()), [await identityToRecipient(identity.reveal())], { keys, begun: false, keep: async () => {} });
    for (let round = 0; round < 40; round++) await etcd.write(Object.fromEntries(Array.from({ length: 25 }, (_, number) => [`/registry/${canary}/${round}-${number}`, `${canary}${'v'.repeat(2000)}${round}-${number}`])));
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** What the stream gave is kept, to be compared with. */
  function source(changes: Partial<BaseSource> = {}): BaseSource {
    return {
      timeline: 'c1:0', etcd: '3.7.3', member: 'm1', quorum: true,
      async *snapshot() {
        const pieces: Uint8Array[] = [];
        for await (const piece of etcd.client.snapshot()) {
          pieces.push(piece);
          yield piece;
        }
        kept.push(Buffer.concat(pieces));
      },
      hashes: async ({ current }) => [{ member: 'm1', answer: await hashAt(current) }, { member: 'm2', answer: await hashAt(current) }, { member: 'm3', answer: 'not reached' }],
      ...changes,
    };
  }
  async function hashAt(revision: number) {
    const { hash, compactRevision } = await etcd.client.hashKv(revision);
    return { hash, compactRevision };
  }
  const open = () => openRepository(folderStore(place()), keys);
  const take = async (changes: Partial<BaseSource> = {}, writer: SigningKey = keys.writer): Promise<Base> => takeBase(await open(), source(changes), { writer, spoolFolder: folder, now: () => now });
  const packs = async () => (await readdir(join(place(), 'packs'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).length;

  it('comes back byte for byte by the identity alone, and etcdutl accepts it', async () => {
    const base = await take();
    assert.equal(base.revision, (await etcd.client.status()).revision);
    const told = await hashAt(base.revision);
    assert.deepEqual(base.hashes, [{ member: 'm1', verdict: 'equal', ...told }, { member: 'm2', verdict: 'equal', ...told }, { member: 'm3', verdict: 'not reached' }]);
    assert.ok(base.hashChecked && base.whole);
    const repository = await openRepositoryAs(folderStore(place()), identity);
    const path = join(folder, 'snap.db');
    await writeSnapshot(repository, basesOf(repository.chain)[0]!, path, captureKeys(repository, identity));
    assert.deepEqual(await readFile(path), kept.at(-1));
    const status = JSON.parse(execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'status', path, '--write-out', 'json'], { encoding: 'utf8' })) as { revision: number };
    assert.equal(status.revision, base.revision);
    execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'restore', path, '--data-dir', join(folder, 'restored')], { stdio: 'ignore' });
    assert.ok((await stat(join(folder, 'restored/member/snap/db'))).size > 0);
  });

  it('that follows on another stores what is different, and both come back', async () => {
    await etcd.write({ '/registry/one': 'more' });
    now += 60_000;
    const second = await take();
    assert.equal(second.depth, 1);
    assert.ok(second.added < second.length / 10, `${second.added} of ${second.length} bytes are new`);
    const repository = await openRepositoryAs(folderStore(place()), identity);
    for (const [index, base] of basesOf(repository.chain).entries()) {
      const path = join(folder, `${index}.db`);
      await writeSnapshot(repository, base, path, captureKeys(repository, identity));
      assert.deepEqual(await readFile(path), kept[index], `base ${index}`);
    }
  });

  it('after a week stands on nothing older', async () => {
    const before = await packs();
    now += 7 * day;
    const third = await take();
    assert.ok(third.whole && third.depth === 0 && third.added > third.length / 2);
    assert.ok((await packs()) > before);
  });

  it('of a history that nobody has spoken of is what latest means from then on, though another one was said to have begun', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await cp(place(), elsewhere, { recursive: true });
    const repository = await openRepository(folderStore(elsewhere), keys);
    await appendTimeline(repository, keys.writer, { timeline: 'c2:0', time: now, first: 1 });
    for (const timeline of ['c2:0', 'c3:0']) await takeBase(repository, source({ timeline }), { writer: keys.writer, spoolFolder: folder, now: () => now });
    const reader = await openRepositoryAs(folderStore(elsewhere), identity);
    assert.equal((await resolvePoint(reader, 'latest', captureKeys(reader, identity))).base.timeline, 'c3:0');
    assert.deepEqual(reader.chain.entries.filter(({ kind }) => kind === 'timeline').map(({ body }) => (body as { timeline: string }).timeline), ['c2:0', 'c3:0']);
  });

  it('stands on none that was given up before it was begun, though who takes it has read nothing since', async () => {
    const elsewhere = join(folder, 'given-up');
    await cp(place(), elsewhere, { recursive: true });
    const [stale, other] = [await openRepository(folderStore(elsewhere), keys), await openRepository(folderStore(elsewhere), keys)];
    await other.chain.append('retire', keys.owner, (entries) => ({ time: now, bases: basesOf({ entries }).map(({ number }) => number), logs: [], entriesUpTo: 0 }));
    assert.ok((await takeBase(stale, source(), { writer: keys.writer, spoolFolder: folder, now: () => now })).whole);
  });

  it('is not named where it took as long as what it stored first is sure to be there', async () => {
    const elsewhere = join(folder, 'slept');
    await cp(place(), elsewhere, { recursive: true });
    const repository = await openRepository(folderStore(elsewhere), keys);
    const { number } = repository.chain.newest!;
    let clock = now;
    const snapshot = async function* () {
      yield* etcd.client.snapshot();
      clock += day;
    };
    await assert.rejects(takeBase(repository, source({ snapshot, timeline: 'c4:0' }), { writer: keys.writer, spoolFolder: folder, now: () => clock }), { code: 'store-failed', message: /took 24 hours/, hint: /backup run/ });
    assert.equal(repository.chain.newest!.number, number);
  });

  it('does not come back wrong: every object that is missing, cut, changed or another one is named', async () => {
    const store = folderStore(place());
    const names = (await store.list('')).filter((name) => !name.startsWith('captures/'));
    const write = async () => {
      const repository = await openRepositoryAs(store, identity);
      for (const base of basesOf(repository.chain)) await writeSnapshot(repository, base, join(folder, 'out.db'), captureKeys(repository, identity));
    };
    for (const name of names) {
      const path = join(place(), name);
      const good = await readFile(path);
      const other = await readFile(join(place(), names.find((one) => one !== name && one.slice(0, 4) === name.slice(0, 4)) ?? names[0]!));
      const flipped = Buffer.from(good);
      flipped[good.length >> 1]! ^= 1;
      // Two bytes: the last one of the first file is a line's end, which nobody misses.
      for (const bad of [undefined, good.subarray(0, -2), Buffer.alloc(0), flipped, other]) {
        if (bad === undefined) await rm(path);
        else await writeFile(path, bad);
        const outcome = await write().then(() => 'written', (error: { code?: string }) => error.code);
        // The last entry of a chain can be missing unnoticed by who has never seen it.
        const last = name === names.filter((one) => one.startsWith('chain/')).at(-1);
        // What an index says is looked for, and only there can it be missed.
        const allowed = [...(name.startsWith('indexes/') ? ['written'] : ['repository-damaged']), ...(bad === undefined && last ? ['written'] : []), ...(name === 'kubekeep-repository' ? ['repository-missing'] : []), ...(name.startsWith('keys/') ? ['identity-missing'] : [])];
        assert.ok(allowed.includes(outcome!), `${name}: ${outcome}`);
      }
      await writeFile(path, good);
    }
    await write();
  });

  it('of a member whose data most others do not have is kept as one that nothing is restored from', async () => {
    const repository = () => openRepositoryAs(folderStore(place()), identity);
    const point = async (at: string) => { const from = await repository(); return (await resolvePoint(from, at, captureKeys(from, identity))).base.number; };
    const [before, latest] = [basesOf((await repository()).chain).length, await point('latest')];
    const wrong = async (revision: number) => ({ ...(await hashAt(revision)), hash: 1 });
    const told: string[] = [];
    const fail = (hashes: BaseSource['hashes'], member = 'm1') => open().then((opened) => takeBase(opened, source({ hashes, member }), { writer: keys.writer, spoolFolder: folder, now: () => now, onTaken: ({ number, diverged }) => told.push(`${number} ${diverged}`) }));
    const refused = (message: RegExp) => ({ code: 'data-damaged', message, hint: /nothing is restored from it/ });
    await etcd.write({ '/registry/diverged': 'x' });
    await assert.rejects(fail(async ({ current }) => [{ member: 'm1', answer: await hashAt(current) }, ...(await Promise.all(['m2', 'm3'].map(async (member) => ({ member, answer: await wrong(current) }))))]), refused(/m2 and m3/));
    await assert.rejects(fail(async ({ current }) => [{ member: 'm1', answer: await wrong(current) }]), refused(/m1/));
    const bases = basesOf((await repository()).chain).slice(before);
    assert.deepEqual(bases.map(({ number, diverged }) => `${number} ${diverged}`), told.map((one) => one.replace('false', 'true')), 'it was taken, and has diverged');
    assert.equal(bases[1]!.whole, false, 'what the same member sends again is not stored again');
    for (const at of ['latest', new Date(now).toISOString(), `revision:${bases[1]!.revision}`]) assert.equal(await point(at).catch((error: { code?: string }) => error.code), at.startsWith('revision') ? 'point-missing' : latest, at);
    await assert.rejects(point(`base:${bases[0]!.number}`), { code: 'point-missing', message: /differs at revision \d+ from what m2 and m3 say they have, so that it is not to be used$/ });
    const { chain } = await repository();
    assert.deepEqual(planRetention(chain, { within: 365 * day, last: 99, hourly: 0, daily: 0, weekly: 0, rehearsed: 0 }, now, () => false).bases.flatMap(({ base, keep }) => (keep.length === 0 ? [base.number] : [])), bases.map(({ number }) => number), 'nothing keeps them');
    // Another member's, with the same pages here, stands on the last good one.
    assert.equal((await take({ member: 'm2' })).depth, bases[0]!.depth);
  });

  it('is not taken from a stream that was changed or cut', async () => {
    const entries = (await open()).chain.entries.length;
    const refused = (message: RegExp) => ({ code: 'data-damaged', message });
    const pieces = await Array.fromAsync(etcd.client.snapshot());
    const bytes = Buffer.concat(pieces);
    const changed = Buffer.from(bytes);
    changed[changed.length >> 1]! ^= 1;
    async function* stream(content: Buffer) { yield content; }
    await assert.rejects(take({ snapshot: () => stream(changed) }), refused(/SHA-256 differs/));
    await assert.rejects(take({ snapshot: () => stream(bytes.subarray(0, bytes.length - 1000)) }), refused(/SHA-256 differs/));
    await assert.rejects(take({ snapshot: () => stream(Buffer.alloc(10)) }), refused(/SHA-256 differs/));
    assert.equal((await open()).chain.entries.length, entries);
    assert.deepEqual((await readdir(folder)).filter((name) => name.startsWith('spool')), []);
  });

  it('is taken anew where etcd was compacted past it meanwhile, and says who could not be compared', async () => {
    let taken = 0;
    const before = (await open()).chain.entries;
    const snapshot = async function* () {
      for await (const piece of etcd.client.snapshot()) yield piece;
      if (++taken > 1) return;
      await etcd.write({ '/registry/late': 'x' });
      await etcd.compact((await etcd.client.status()).revision);
    };
    const answer = (revision: number) => hashAt(revision).catch((error: { reason?: string }) => (error.reason === 'compacted' ? ('compacted' as const) : assert.fail(error.reason ?? 'no reason')));
    const base = await take({ snapshot, hashes: async ({ current }) => [{ member: 'm1', answer: await answer(current) }, { member: 'm2', answer: taken === 1 ? 'compacted' : { hash: 1, compactRevision: current - 1 } }] });
    assert.equal(taken, 2);
    assert.deepEqual(basesOf((await open()).chain).slice(basesOf({ entries: before }).length).map(({ hashes }) => hashes.map(({ verdict }) => verdict)), [['not comparable', 'not comparable'], ['not comparable', 'not comparable']], 'both are kept');
    assert.equal(base.compacted, base.revision, 'this is the revision that etcd was compacted at');
    // Of that very revision etcd gives the hash that it had before the compaction.
    assert.deepEqual(base.hashes.map(({ verdict }) => verdict), ['not comparable', 'not comparable']);
    await etcd.write({ '/registry/later': 'x' });
    const next = await take({ hashes: async ({ current, compacted }) => [{ member: 'm1', answer: await answer(current) }, { member: 'm2', answer: { hash: 1, compactRevision: compacted - 1 } }, { member: 'm3', answer: 'behind' }] });
    assert.deepEqual(next.hashes.map(({ verdict }) => verdict), ['equal', 'not comparable', 'not comparable']);
    const given = await take({ hashes: async () => [{ member: 'm1', answer: 'compacted' }] });
    assert.deepEqual(given.hashes, [{ member: 'm1', verdict: 'not comparable' }], 'a second time it is taken all the same');
  });

  it('whose comparison was interrupted is taken and no more', async () => {
    const bases = basesOf((await open()).chain).length;
    await assert.rejects(take({ hashes: () => Promise.reject(new DOMException('interrupted', 'AbortError')) }), { name: 'AbortError' });
    assert.deepEqual(basesOf((await open()).chain).slice(bases).map(({ hashes, hashChecked, diverged }) => [hashes, hashChecked, diverged]), [[[], false, false]]);
  });

  it('is said to be taken when all that it needs is in the store, before a member has answered', async () => {
    const asked = Promise.withResolvers<void>();
    const order: string[] = [];
    const onTaken = (base: Base) => void (async () => {
      // What comes back comes from the store alone.
      const repository = await openRepositoryAs(folderStore(place()), identity);
      await writeSnapshot(repository, basesOf(repository.chain).find(({ number }) => number === base.number)!, join(folder, 'taken.db'), captureKeys(repository, identity));
      order.push('taken');
    })().then(asked.resolve, asked.reject);
    const base = await takeBase(await open(), source({ hashes: async () => { await asked.promise; order.push('hashes'); return []; } }), { writer: keys.writer, spoolFolder: folder, now: () => now, onTaken });
    assert.deepEqual([order, base.hashes], [['taken', 'hashes'], []]);
    await rm(join(folder, 'taken.db'));
  });

  it('of another writer stands on none of this one, and neither does one after a clock that was ahead', async () => {
    const other = newSigningKey();
    await (await open()).chain.append('writers', keys.owner, () => ({ writers: [keys.writer, other].map((one) => ({ id: one.writer, key: publicBytes(one) })) }));
    assert.equal((await take({}, other)).whole, true);
    assert.equal((await take()).whole, false);
    now += 3 * day;
    assert.equal((await take({}, other)).whole, false);
    now -= 4 * day;
    assert.equal((await take({}, other)).whole, true);
    now += 4 * day;
  });

  it('of who has nothing to seal names what was sealed last, so that it is kept as long', async () => {
    const sealing = await takeBase(await open(), source(), { writer: keys.writer, spoolFolder: folder, now: () => now, bundle: Buffer.from('the keys of the cluster') });
    assert.ok(sealing.bundle);
    assert.deepEqual((await take()).bundle, sealing.bundle);
  });

  it('does not open with another identity', async () => {
    await assert.rejects(openRepositoryAs(folderStore(place()), new Secret(await generateX25519Identity())), { code: 'identity-missing' });
  });

  it('shows nothing of its content in the store', async () => {
    const store = folderStore(place());
    for (const name of await store.list('')) assert.equal(Buffer.from((await store.read(name))!).includes(canary), false, name);
  });
});
