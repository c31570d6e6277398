import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, link, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { baseValues } from '../../src/backup/base-values.ts';
import { captureKeys } from '../../src/backup/captures.ts';
import { segmentOf } from '../../src/backup/change-log/coverage.ts';
import { readLog } from '../../src/backup/change-log/read-log.ts';
import type { ObjectsChecked } from '../../src/backup/check-objects.ts';
import { entryName } from '../../src/backup/format/chain-entry.ts';
import { basesOf, resolvePoint, type Base } from '../../src/backup/points.ts';
import { reachedObjects } from '../../src/backup/retention/reached-objects.ts';
import type { Store } from '../../src/backup/store/store.ts';
import { writeSnapshot } from '../../src/backup/write-snapshot.ts';
import { KubekeepError } from '../../src/lib/errors.ts';
import { logChanges } from '../../src/operations/objects/log-changes.ts';
import type { ProgressEvent } from '../../src/lib/progress.ts';
import { openToRead } from '../../src/operations/backup/open-backup.ts';
import { restoreFile } from '../../src/operations/backup/restore-file.ts';
import { verifyRepository } from '../../src/operations/backup/verify-repository.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { stateFolder } from '../../src/operations/state.ts';
import { madeRepository } from '../support/backup-repository.ts';
import type { KeptCluster } from '../support/kept-cluster.ts';
import { wholeRepository, type WholeRepository } from '../support/whole-repository.ts';

/** One object is made another: undefined removes it. `others`: all objects of its kind, of this repository and of another one. */
interface Mutation {
  readonly title: string;
  readonly make: (good: Buffer, others: { readonly here: readonly Buffer[]; readonly there: readonly Buffer[] }) => Buffer | undefined;
}

const flipped = (good: Buffer, at: number) => {
  const bad = Buffer.from(good);
  bad[at]! ^= 1;
  return bad;
};
const mutations: readonly Mutation[] = [
  { title: 'its first bit flipped', make: (good) => flipped(good, 0) },
  { title: 'a bit in the middle flipped', make: (good) => flipped(good, good.length >> 1) },
  { title: 'its last bit flipped', make: (good) => flipped(good, good.length - 1) },
  { title: 'a range zeroed', make: (good) => Buffer.concat([good.subarray(0, good.length >> 1), Buffer.alloc(16), good.subarray((good.length >> 1) + 16)]) },
  // Two bytes: the last one of a text is a line's end, which nobody misses.
  { title: 'two bytes cut', make: (good) => good.subarray(0, -2) },
  { title: 'half of it', make: (good) => good.subarray(0, good.length >> 1) },
  { title: 'emptied', make: () => Buffer.alloc(0) },
  { title: 'garbage behind it', make: (good) => Buffer.concat([good, Buffer.from('garbage')]) },
  { title: 'removed', make: () => undefined },
  { title: 'another one of its kind', make: (_, { here }) => here[0] },
  { title: 'one of another repository', make: (_, { there }) => there[0] },
  { title: 'an unknown cipher or kind', make: (good) => Buffer.concat([good.subarray(0, 4), Buffer.from([0xff, 0xff, 0xff, 0xff]), good.subarray(8)]) },
  { title: "a web server's error page", make: () => Buffer.from('<html><body>502 Bad Gateway</body></html>') },
];

describe('a repository in which one object is', () => {
  let whole: WholeRepository;
  let kept: KeptCluster;
  let folder: string;
  let points: readonly string[];
  /** Objects by kind; those of the chain by the kind of entry. */
  const kinds = new Map<string, string[]>();
  const there = new Map<string, Buffer[]>();
  let needed: ReadonlySet<string>;
  /** Who has an identity and has never seen the repository. */
  let stranger: Operation;
  const scratch = () => join(kept.folder, 'out.db');
  const nameIn = (name: string) => join(folder, name);

  before(async () => {
    whole = await wholeRepository();
    ({ kept, points } = whole);
    folder = kept.store.place;
    await learn();
    stranger = { ...kept.operation, state: stateFolder(join(kept.folder, 'stranger'), 'prod'), identityFile: join(kept.operation.state.path, 'identity') };
  });
  after(() => whole[Symbol.asyncDispose]());

  /** Which objects there are, here and in another repository. */
  async function learn(): Promise<void> {
    const { repository } = await openToRead(kept.operation, kept.store);
    const add = (kind: string, name: string) => void kinds.set(kind, [...(kinds.get(kind) ?? []), name]);
    const parts = repository.chain.entries.flatMap((entry) => segmentOf(entry) ?? []);
    for (const { kind, number } of repository.chain.entries) if (!parts.some((part) => part.object !== undefined && part.number === number)) add(`chain: ${kind}`, entryName(number));
    // Pieces that were merged, and catalogs before the newest.
    const living = new Set([...kinds.values()].flat());
    for (const name of await kept.store.list('chain/')) if (!living.has(name)) add('chain: old', name);
    for (const name of (await kept.store.list('')).filter((one) => !one.startsWith('chain/'))) add(name.split('/')[0]!, name);
    // What is needed to read all points: the rest may be anything.
    const captures = [...basesOf(repository.chain), ...parts].map(({ capture }) => `captures/${capture}.1.age`);
    needed = new Set([...captures, ...(await reachedObjects(repository, repository.chain.entries)), ...(await kept.store.list('chain/')).filter((name) => name > entryName(repository.chain.catalogued))]);
    await using other = await madeRepository();
    const { store } = await other.open();
    for (const name of await store.list('')) {
      const kind = name.split('/')[0]!;
      there.set(kind, [...(there.get(kind) ?? []), Buffer.from((await store.read(name))!)]);
    }
  }

  /** Gives back points as `restore file` does, with what was wrong; throws where something comes back that was never there. */
  async function restoreAll(operation: Operation, all = points, store = kept.store): Promise<readonly KubekeepError[]> {
    const errors: KubekeepError[] = [];
    const expectOurs = (error: unknown): void => {
      assert.ok(error instanceof KubekeepError, `${String(error)}\n${(error as Error).stack}`);
      errors.push(error);
    };
    for (const at of all) {
      try {
        const { repository, identity } = await openToRead(operation, store);
        const keys = captureKeys(repository, identity);
        const { base, revision } = await resolvePoint(repository, at, keys);
        await writeSnapshot(repository, base, scratch(), keys);
        assert.ok((await readFile(scratch())).equals(whole.files.get(base.number)!), `${at} is another file`);
        let next = base.revision + 1;
        if (revision > base.revision) for await (const { records } of readLog(repository, { timeline: base.timeline, first: next, last: revision }, keys)) for (const record of records) assert.deepEqual(record, whole.log.get(next++));
        assert.equal(next, revision + 1);
      } catch (error) {
        expectOurs(error);
      } finally {
        await rm(scratch(), { force: true });
      }
    }
    return errors;
  }

  const checked = async (operation: Operation, store = kept.store): Promise<ObjectsChecked | KubekeepError> => verifyRepository(operation, store, { share: 1, seed: 1 }).catch((error: unknown) => (error instanceof KubekeepError ? error : Promise.reject(error as Error)));

  it('whole: nothing is wrong, and every point comes back', async () => {
    for (const operation of [kept.operation, stranger]) {
      assert.deepEqual((await checked(operation) as ObjectsChecked).problems, []);
      assert.deepEqual(await restoreAll(operation), []);
      await rm(stranger.state.path, { recursive: true, force: true });
    }
    for (const kind of ['captures', 'chain: base', 'chain: catalog', 'chain: hole', 'chain: old', 'chain: recipients', 'chain: segment', 'chain: verdict', 'chain: writers', 'head', 'indexes', 'keys', 'kubekeep-repository', 'packs', 'segments', 'tables']) assert.ok(kinds.has(kind), kind);
  });

  for (const [turn, { title, make }] of mutations.entries()) {
    it(title, { timeout: 60_000 }, async () => {
      const said: string[] = [];
      for (const [kind, names] of kinds) {
        // Mostly the first of a kind was written otherwise than the last.
        for (const name of [names.at(turn % 2 === 0 ? 0 : -1)!]) {
          const good = await readFile(nameIn(name));
          const here = await Promise.all(names.filter((one) => one !== name).map((one) => readFile(nameIn(one))));
          const bad = make(good, { here, there: there.get(kind.split(':')[0]!) ?? [] });
          if (bad?.equals(good) || (bad === undefined && title !== 'removed')) continue;
          if (bad) await writeFile(nameIn(name), bad);
          else await rename(nameIn(name), `${kept.folder}/aside`);
          try {
            await look(kind, name);
          } catch (error) {
            said.push(`${name} (${kind}): ${(error as Error).message}`);
          }
          await rm(nameIn(name), { force: true });
          await writeFile(nameIn(name), good);
          await rm(`${kept.folder}/aside`, { force: true });
        }
      }
      assert.deepEqual(said, []);
    });
  }

  /** Each reader names the object, or gives back what was there. */
  async function look(kind: string, name: string): Promise<void> {
    const last = name === kinds.get('chain: verdict')!.at(-1);
    for (const operation of [kept.operation, stranger]) {
      const outcome = await checked(operation);
      const told = outcome instanceof KubekeepError ? [outcome.message] : outcome.problems.map(({ object, problem, affects }) => `${object} ${problem} ${affects.join()}`);
      const file = name.slice(name.lastIndexOf('/') + 1).replace(/\.1\.age$/, '');
      const names = (text: string) => text.includes(file) || text.includes(String(Number.parseInt(file, 16))) || (kind === 'kubekeep-repository' && (text.includes(folder) || /(by a writer of|not in) this repository/.test(text)));
      // The last entry can be missing unnoticed by who has never seen it: what is before it is whole.
      const unseen = operation === stranger && last && !existsSync(nameIn(name));
      const spared = kind === 'head' || (/^c(hain|aptures)/.test(kind) && !needed.has(name));
      if (kind === 'indexes') await lookUp(operation, names);
      const errors = await restoreAll(operation, operation === stranger ? points.slice(0, 2) : points);
      assert.ok(told.some(names) || unseen || (spared && errors.length === 0), `backup verify says ${JSON.stringify(told)}`);
      for (const error of errors) assert.ok(names(error.message), `restore file says ${error.message}`);
      await rm(stranger.state.path, { recursive: true, force: true });
    }
  }

  /** Objects are what they were, and a damaged index is named. */
  async function lookUp(operation: Operation, names: (text: string) => boolean): Promise<void> {
    const told: string[] = [];
    const { repository, identity } = await openToRead(operation, kept.store);
    const keys = captureKeys(repository, identity);
    for (const base of basesOf(repository.chain)) {
      const values = async (index: Base['index']) => Object.fromEntries((await Array.fromAsync(baseValues(repository, { ...base, index }, keys, { wanted: (key) => key.startsWith('/registry/'), onIndex: ({ message }) => told.push(message) }))).flat().map(([key, { revision, value }]) => [key, `${revision} ${value.toString('hex')}`]));
      assert.deepEqual(await values(base.index), await values(undefined));
    }
    const hear = (event: ProgressEvent) => void told.push(event.title);
    for (const { timeline, revision: after } of basesOf(repository.chain)) await Array.fromAsync(logChanges({ ...operation, progress: hear }, repository, keys, { timeline, after, upTo: Infinity }, () => true));
    assert.ok(told.some(names), `reading objects says ${JSON.stringify(told)}`);
  }

  it('under a wrong name, or in capitals, and where it belongs none', async () => {
    for (const [kind, names] of kinds) {
      const name = names.at(-1)!;
      for (const wrong of [`${name}x`, name.replace(/[^/]+$/, (last) => (last.toUpperCase() === last ? `X${last}` : last.toUpperCase()))]) {
        await rename(nameIn(name), nameIn(wrong));
        await look(kind, name);
        await rename(nameIn(wrong), nameIn(name));
      }
    }
  });

  // No object is read for where it lies or what it is besides its bytes: see also what recover-state.test.ts says of bundles.
  const strange: readonly (readonly [string, (path: string, good: Buffer) => Promise<unknown>, 'unharmed'?])[] = [
    ['a folder', (path) => mkdir(path)],
    ['a pipe that nobody writes to', async (path) => execFileSync('mkfifo', [path])],
    ['a device', (path) => symlink('/dev/zero', path)],
    ['a link to nowhere', (path) => symlink('/nowhere/at/all', path)],
    ['a link to itself', (path) => symlink(path, path)],
    ['a link to a file of this computer', (path) => symlink('/etc/passwd', path)],
    ['a link to what it was', async (path, good) => {
      await writeFile(`${kept.folder}/copy`, good);
      await symlink(`${kept.folder}/copy`, path);
    }, 'unharmed'],
    ['one file with another, and with the rights of root', async (path, good) => {
      await writeFile(`${kept.folder}/copy`, good);
      await link(`${kept.folder}/copy`, path);
      await chmod(path, 0o4755);
    }, 'unharmed'],
  ];
  for (const [title, make, unharmed] of strange) {
    it(title, { timeout: 60_000 }, async () => {
      for (const [kind, names] of kinds) {
        const name = names.at(-1)!;
        const good = await readFile(nameIn(name));
        await rename(nameIn(name), `${kept.folder}/aside`);
        try {
          await make(nameIn(name), good);
          if (unharmed) assert.deepEqual([(await checked(kept.operation) as ObjectsChecked).problems, await restoreAll(kept.operation)], [[], []]);
          else await look(kind, name);
        } finally {
          await rm(nameIn(name), { recursive: true, force: true });
          await rm(`${kept.folder}/copy`, { force: true });
          await rename(`${kept.folder}/aside`, nameIn(name));
        }
      }
    });
  }

  it('in a store that does not tell capitals from small letters, and lists capitals: nobody minds', async () => {
    const folding: Store = {
      ...kept.store,
      read: (name) => kept.store.read(name.toLowerCase()),
      list: async (prefix, after) => (await kept.store.list(prefix, after)).map((name) => name.replace(/[^/]+$/, (last) => last.toUpperCase())),
    };
    for (const operation of [kept.operation, stranger]) {
      assert.deepEqual((await checked(operation, folding) as ObjectsChecked).problems, []);
      assert.deepEqual(await restoreAll(operation, points, folding), []);
    }
    await rm(stranger.state.path, { recursive: true, force: true });
  });

  // Nobody locks the repository: who comes first appends (docs/decisions/0022). What a killed restore leaves is a file beside its target.
  it('what a restore that was killed was writing: the next one names it, and is done once it is away', async () => {
    await writeFile(`${scratch()}.part`, 'half');
    const restore = () => restoreFile(kept.operation, kept.store, { at: points[2]!, path: scratch() });
    await assert.rejects(restore(), { code: 'file-missing', message: /out\.db\.part cannot be written/, hint: /one was killed: then remove it/ });
    assert.equal(await readFile(`${scratch()}.part`, 'utf8'), 'half');
    assert.equal(existsSync(scratch()), false);
    await rm(`${scratch()}.part`);
    await restore();
    await rm(scratch());
  });

  it('as it was last week, with all others: who has seen more refuses it', async () => {
    const entries = await kept.store.list('chain/');
    const aside = join(kept.folder, 'newer');
    await mkdir(aside);
    for (const name of entries.slice(-3)) await rename(nameIn(name), join(aside, name.replace('/', '-')));
    for (const error of await restoreAll(kept.operation)) assert.equal(error.code, 'repository-mismatch');
    assert.equal((await checked(kept.operation) as KubekeepError).code, 'repository-mismatch');
    // Who has not comes to an older state that was there.
    await restoreAll(stranger);
    for (const name of entries.slice(-3)) await rename(join(aside, name.replace('/', '-')), nameIn(name));
  });

  it('of a future format: it is refused with a sentence', async () => {
    const path = nameIn('kubekeep-repository');
    const good = await readFile(path, 'utf8');
    await writeFile(path, good.replace('"format":1', '"format":2'));
    const outcomes = [await checked(kept.operation), ...(await restoreAll(kept.operation))];
    await writeFile(path, good);
    for (const outcome of outcomes) assert.match((outcome as KubekeepError).message, /has format 2, and this release knows format 1/);
  });

  it('left over from a write that never ended: nobody minds', async () => {
    await writeFile(nameIn('packs/.writing-0123'), 'half');
    await writeFile(nameIn('chain/.writing-0123'), 'half');
    assert.deepEqual((await checked(kept.operation) as ObjectsChecked).problems, []);
    assert.deepEqual(await restoreAll(kept.operation), []);
    await rm(nameIn('packs/.writing-0123'));
    await rm(nameIn('chain/.writing-0123'));
  });

  it('not readable, or not in the list: named, or found all the same', async () => {
    const pack = kinds.get('packs')![0]!;
    const refusing = { ...kept.store, read: (name: string) => (name === pack ? Promise.reject(new KubekeepError('store-failed', `cannot read ${name} in there: 403`)) : kept.store.read(name)) };
    const found = await verifyRepository(kept.operation, refusing, { share: 1, seed: 1 });
    assert.deepEqual(found.problems.map(({ object }) => object), [pack]);
    const behind = { ...kept.store, list: async () => [] };
    assert.deepEqual((await verifyRepository(kept.operation, behind, { share: 0, seed: 1 })).problems, []);
    const eager = { ...kept.store, list: async (prefix: string, after?: string) => (await kept.store.list(prefix, after)).concat(prefix === 'packs/' ? ['packs/ab/ab'] : []) };
    assert.deepEqual((await verifyRepository(kept.operation, eager, { share: 0, seed: 1 })).problems, []);
  });

  it('without reading data, what is missing is found, and what has rotted is not', async () => {
    const pack = kinds.get('packs')![0]!;
    const good = await readFile(nameIn(pack));
    const quick = () => verifyRepository(kept.operation, kept.store, { share: 0, seed: 1 });
    await writeFile(nameIn(pack), flipped(good, 100));
    assert.deepEqual((await quick()).problems, []);
    await rm(nameIn(pack));
    const { problems: [problem, ...more] } = await quick();
    await writeFile(nameIn(pack), good);
    assert.deepEqual([problem!.object, more], [pack, []]);
    assert.match(problem!.affects.join(), /^(,?base \d+ and revisions \d+ to \d+ after it)+$/);
  });

  it('damaged ends restore file with no file, and leaves the old one', async () => {
    const [segment] = kinds.get('chain: segment')!;
    const good = await readFile(nameIn(segment!));
    await writeFile(scratch(), 'old');
    await writeFile(nameIn(segment!), flipped(good, good.length >> 1));
    await assert.rejects(restoreFile(kept.operation, kept.store, { at: points[1]!, path: scratch() }), { code: 'repository-damaged' });
    await writeFile(nameIn(segment!), good);
    assert.equal(await readFile(scratch(), 'utf8'), 'old');
    await restoreFile(kept.operation, kept.store, { at: points[1]!, path: scratch() });
    assert.ok((await readFile(scratch())).length > 1000);
    await rm(scratch());
  });
});

