import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { KubekeepError } from '../../lib/errors.ts';
import { pagedRepository, timeline, type PagedRepository } from '../../../test/support/paged-repository.ts';
import { captureKeys } from '../captures.ts';
import { appendHole } from '../change-log/append-log.ts';
import { logEnd } from '../change-log/coverage.ts';
import { readLog } from '../change-log/read-log.ts';
import { checkObjects } from '../check-objects.ts';
import { encodeEntry, entryName } from '../format/chain-entry.ts';
import { encryptObject } from '../format/encrypted-object.ts';
import { basesOf, type Base } from '../points.ts';
import { openRepository, openRepositoryAs } from '../repository.ts';
import { newSigningKey } from '../repository-keys.ts';
import { folderStore } from '../store/folder-store.ts';
import type { Store } from '../store/store.ts';
import { grace } from './clean-up.ts';
import { planRetention, type RetentionPolicy } from './plan-retention.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const hour = 3_600_000;
const day = 24 * hour;

describe('clean-up, with', () => {
  let paged: PagedRepository;
  let store: Store;
  beforeEach(async () => {
    paged = await pagedRepository();
    store = folderStore(paged.made.folder);
  });
  afterEach(() => paged[Symbol.asyncDispose]());

  /** What `backup verify --data all` finds. */
  const problems = async () => (await checkObjects(await paged.made.read(), { identity: paged.made.identity, escrow: true, share: 1, seed: 1, signal: new AbortController().signal, onObject: () => {} })).problems;
  async function expectWhole(...bases: readonly Base[]): Promise<void> {
    assert.deepEqual(await problems(), []);
    for (const base of bases) assert.deepEqual(await paged.content(base), paged.files.get(base.number));
  }
  /** Two bases, a log after each that is merged, and keys of the cluster: of which the first go. */
  async function filled(): Promise<{ readonly old: Base; readonly kept: Base }> {
    const old = await paged.addBase(10, start, { bundle: 'old keys' });
    await paged.addLog(11, 30, start, true);
    const kept = await paged.addBase(30, start + 3 * hour, { whole: true, bundle: 'keys' });
    await paged.addLog(31, 50, start + 4 * hour, true);
    await paged.addLog(51, 60, start + 5 * hour, false);
    return { old, kept };
  }
  const now = start + 6 * hour;

  for (const [title, passed, outcome] of [
    ['a restore that reads what goes: it finds all of it until the day is over', 0, 'whole'],
    ['a restore that reads for longer than a day: it is told what is missing, and gives back nothing else', grace, 'missing'],
  ] as const) {
    it(title, async () => {
      const { old, kept } = await filled();
      let reads = 0;
      const slow = await openRepositoryAs({
        ...store,
        read: async (name) => {
          if (name.startsWith('packs/') && reads++ === 0) {
            await paged.prune(now);
            await paged.prune(now + passed, { planned: now });
          }
          return store.read(name);
        },
      }, paged.made.identity);
      const read = paged.content(old, slow);
      if (outcome === 'whole') assert.deepEqual(await read, paged.files.get(old.number));
      else await assert.rejects(read, { code: 'repository-damaged', message: /^packs\/\S+: it is missing in / });
      assert.ok(reads > 0);
      await expectWhole(kept);
    });
  }

  for (const [title, last, finished] of [
    ['whose newest entry is gone too', 'base', true],
    ['whose newest entry stays, since it is a piece that nobody merged', 'piece', true],
    ['who comes back before the clean-up has said what it removed', 'base', false],
  ] as const) {
    it(`a writer who was cut off for days, ${title}: it goes on behind all that others wrote`, async () => {
      await paged.addBase(10, now);
      if (last === 'piece') await paged.addLog(11, 12, now, false);
      const away = await paged.made.open();
      await paged.addLog(last === 'piece' ? 13 : 11, 30, now, true);
      await paged.addBase(30, now, { whole: true });
      await paged.addLog(31, 50, now, true);
      await paged.prune(now);
      const cut = await openRepository({ ...store, create: async (name, bytes) => (!finished && name.startsWith('chain/') ? Promise.reject(new Error('killed')) : store.create(name, bytes)) }, paged.made.keys);
      await paged.prune(now + grace, { planned: now, on: cut }).catch(() => {});
      const { number } = away.chain.newest!;
      assert.deepEqual(await Promise.all([number, number + 1].map(async (one) => (await store.read(entryName(one))) !== undefined)), [last === 'piece', false]);
      await away.chain.refresh();
      assert.equal(away.chain.newest!.number, number, 'nothing says that more was there');
      assert.equal(await appendHole(away, { writer: paged.made.keys.writer, timeline }, { after: 50, last: 51, why: 'a test' }), true);
      const reader = await paged.made.read();
      assert.equal(logEnd(reader.chain.entries, timeline), 51);
      assert.deepEqual(away.chain.entries.map(({ hash }) => hash), reader.chain.entries.map(({ hash }) => hash));
    });
  }

  it('a writer who was cut off, and a head that names what is none: it is not believed', async () => {
    await paged.addBase(10, start);
    const away = await paged.made.open();
    await store.overwrite('head', Buffer.from('999\n'));
    assert.equal((await away.chain.append('hole', paged.made.keys.writer, () => ({})))!.number, away.chain.newest!.number);
  });

  for (const prefix of ['packs/', 'tables/', 'segments/', 'sealed/', 'chain/', 'captures/', 'escrow/']) {
    it(`${prefix} that the store does not let go: each is named, nothing else is harmed, and a later run takes it`, async () => {
      const { kept } = await filled();
      await paged.prune(now);
      const held: string[] = [];
      const locked = await openRepository({
        ...store,
        remove: async (name) => {
          if (!name.startsWith(prefix)) return store.remove(name);
          held.push(name);
          throw new KubekeepError('store-failed', `cannot remove ${name} in there: it is locked until Sunday`);
        },
      }, paged.made.keys);
      const { refused } = await paged.prune(now + grace, { on: locked, planned: now });
      assert.ok(refused.length > 0);
      assert.deepEqual(refused.filter(({ name, why }) => !name.startsWith(prefix) || !why.includes(name)), []);
      await expectWhole(kept);
      await paged.prune(now + 2 * grace, { planned: now });
      await paged.prune(now + 3 * grace, { planned: now });
      await expectWhole(kept);
      const left = await paged.names();
      // Entries of the chain cost little, and no later run comes to them again.
      assert.deepEqual(held.filter((name) => prefix !== 'chain/' && left.includes(name)), []);
    });
  }

  it('what others have put beside it: names that are none are passed over and left, and objects that nobody named go', async () => {
    const { kept } = await filled();
    const strange = ['packs/ab/x\ny', 'packs/ab/\u001b[31mred', `packs/${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(200)}`, `packs/AB/AB${'0'.repeat(62)}`, 'chain/zz\n', 'chain/ffffffffffffffffff', 'chain/0000000000000ABC', 'captures/x.age', 'captures/../x', 'keys/9999.age.tmp', 'keys/-1.age', 'escrow/.DS_Store', 'sealed/x', 'tables/README', 'segments/ab/Thumbs.db'].filter((name) => !name.includes('..'));
    const garbage = ['packs', 'tables', 'segments', 'sealed'].map((folder) => `${folder}/ab/ab${randomBytes(31).toString('hex')}`);
    const keys = [`captures/${randomBytes(16).toString('hex')}.1.age`, `escrow/${randomBytes(16).toString('hex')}.77.age`, `captures/${Buffer.from(paged.key.capture).toString('hex')}.999.age`, 'keys/5.age'];
    for (const name of [...strange, ...garbage, ...keys]) {
      await mkdir(dirname(join(store.place, name)), { recursive: true });
      await writeFile(join(store.place, name), 'garbage');
    }
    await symlink('/etc/passwd', join(store.place, 'packs', 'link'));
    // So that the newest entry is looked for by its name.
    await store.remove('head');
    await expectWhole(kept);
    await paged.prune(now);
    await paged.prune(now + grace, { planned: now });
    await expectWhole(kept);
    const left = await paged.names();
    assert.deepEqual([...strange, ...keys.slice(2)].filter((name) => !left.includes(name)), []);
    assert.deepEqual([...garbage, ...keys.slice(0, 2)].filter((name) => left.includes(name)), []);
  });

  it('a list that writes names in capitals, as stores do that do not tell them apart: nothing that is needed goes', async () => {
    const { kept } = await filled();
    const folding = await openRepository({
      ...store,
      read: (name) => store.read(name.toLowerCase()),
      remove: (name) => store.remove(name.toLowerCase()),
      list: async (prefix, after) => (await store.list(prefix, after)).map((name) => name.replace(/[^/]+$/, (last) => last.toUpperCase())),
    }, paged.made.keys);
    await paged.prune(now, { on: folding });
    await paged.prune(now + grace, { on: folding, planned: now });
    await expectWhole(kept);
  });

  it('a list that is behind, or has what is gone: what goes is less, or was gone', async () => {
    const { kept } = await filled();
    const gone = `packs/ab/ab${'0'.repeat(62)}`;
    for (const list of [async () => [], async (prefix: string) => (prefix === 'packs/' ? [gone] : [])]) {
      const behind = await openRepository({ ...store, list }, paged.made.keys);
      await paged.prune(now, { on: behind });
      await paged.prune(now + grace, { on: behind, planned: now });
      await expectWhole(kept);
    }
  });

  /** Bases that stay by a policy, by revision. */
  async function kept(policy: Partial<RetentionPolicy>, at: number, rehearsed: (number: number) => boolean = () => false): Promise<readonly number[]> {
    const { chain } = await paged.made.read();
    const plan = planRetention(chain, { within: 0, last: 0, hourly: 0, daily: 0, weekly: 0, rehearsed: 0, ...policy }, at, rehearsed);
    return plan.bases.filter(({ keep }) => keep.length > 0).map(({ base: { revision } }) => revision);
  }

  // Who has one host may append what it likes in its own name. Only `within` and what was rehearsed hold against bases of the present.
  it('garbage that a writer appended before it, as bases of years to come: those of others stay by every rule', async () => {
    const good: Base[] = [];
    for (let number = 1; number <= 3; number++) good.push(await paged.addBase(number * 10, start + number * day));
    for (let number = 1; number <= 20; number++) await paged.addBase(1000 + number, start + (10 + number) * 365 * day);
    const at = start + 3 * day + hour;
    for (const policy of [{ last: 3 }, { daily: 3 }, { hourly: 3 }, { within: 3 * day }]) assert.deepEqual((await kept(policy, at)).filter((revision) => revision < 1000), [10, 20, 30], JSON.stringify(policy));
    assert.deepEqual((await kept({}, at)).filter((revision) => revision < 1000), [30], 'and the newest that is not of the future');
  });

  it('garbage of the present: all that is younger than `within` stays, and one that was rehearsed does whatever the rules say', async () => {
    const good = await paged.addBase(10, start);
    for (let number = 1; number <= 20; number++) await paged.addBase(1000 + number, start + number * 1000);
    assert.ok(!(await kept({ last: 3 }, start + hour)).includes(10));
    assert.ok((await kept({ last: 3, within: hour }, start + hour)).includes(10));
    assert.ok((await kept({ last: 3 }, start + hour, (number) => number === good.number)).includes(10));
  });

  it('bases whose tables are not there: it does not begin, and names one', async () => {
    const { old } = await filled();
    await paged.addBase(70, start + 5 * hour, { table: 'ab'.repeat(32) });
    await assert.rejects(paged.prune(now), { code: 'repository-damaged', message: /^tables\/ab\/(ab){32}: it is missing/ });
    assert.deepEqual(await paged.content(old), paged.files.get(old.number));
  });

  it('an entry that nobody signed whom it knows: it does not begin, and names it', async () => {
    const { kept: base } = await filled();
    const { repository, made: { keys } } = paged;
    const { number, hash: previous } = repository.chain.newest!;
    const body = encryptObject(Buffer.from(JSON.stringify(basesOf(repository.chain)[0])), { repository: Buffer.from(repository.id, 'hex'), kind: 'entry' }, repository.structure);
    await store.create(entryName(number + 1), encodeEntry({ number: number + 1, previous, epoch: 0, catalog: 0, kind: 'base', writer: keys.writer.writer, body }, newSigningKey().key));
    await assert.rejects(paged.prune(now), { code: 'repository-damaged', message: /^chain\/[0-9a-f]{16}: it is not signed by a writer/, hint: /backup verify/ });
    await store.remove(entryName(number + 1));
    await expectWhole(base);
  });

  for (const [title, ms] of [['an hour ahead', hour], ['an hour behind', -hour], ['four hundred days ahead', 400 * day]] as const) {
    it(`a clock here that is ${title}: what the rules keep by the clocks of who wrote it stays`, async () => {
      const { kept: base } = await filled();
      for (const step of [0, grace]) await paged.prune(now + ms + step, { planned: now + ms });
      await paged.prune(now + grace);
      await expectWhole(base);
      const reader = await paged.made.read();
      const revisions = (await Array.fromAsync(readLog(reader, { timeline, first: 31, last: 60 }, captureKeys(reader, paged.made.identity)))).flatMap(({ records }) => records.map(({ revision }) => revision));
      assert.equal(revisions.length, 30);
    });
  }
});
