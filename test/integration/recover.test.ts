import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { appendBaseHashes } from '../../src/backup/append-base-hashes.ts';
import { changeRecipients } from '../../src/backup/change-recipients.ts';
import { basesOf } from '../../src/backup/points.ts';
import { takeBase } from '../../src/backup/take-base.ts';
import { bundleOf } from '../../src/operations/backup/cluster-bundle.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { emptyBase, madeRepository, type MadeRepository } from '../support/backup-repository.ts';
import { cluster, now } from '../support/example-cluster.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { fromRepository } from '../support/from-repository.ts';
import { loneEtcd, type LoneEtcd } from '../support/lone-etcd.ts';

const age = spawnSync('age', ['--version']).status === 0 ? 'age' : fromRepository('test/support/age-program.mjs');

describe('docs/guides/recover.py', () => {
  let folder: string;
  let etcd: LoneEtcd;
  let made: MadeRepository;
  const kept: Buffer[] = [];
  const recover = (...args: readonly string[]) => spawnSync('python3', [fromRepository('docs/guides/recover.py'), made.folder, join(folder, 'identity'), ...args], { encoding: 'utf8', env: { ...process.env, AGE: age } });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-recover-'));
    etcd = await loneEtcd(folder);
    made = await madeRepository();
    await writeFile(join(folder, 'identity'), `# an identity\n${made.identity.reveal()}\n`);
    for (let base = 0; base < 3; base++) {
      for (let round = 0; round < 10; round++) await etcd.write(Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`/registry/${base}/${round}-${number}`, `${'v'.repeat(2000)}${number}`])));
      await takeBase(await made.open(), {
        timeline: 'c1:0', etcd: '3.7.3', member: 'm1', quorum: true, hashes: async () => [],
        async *snapshot() {
          const bytes = Buffer.concat(await Array.fromAsync(etcd.client.snapshot()));
          kept.push(bytes);
          yield bytes;
        },
      }, { writer: made.keys.writer, spoolFolder: folder, now: Date.now });
    }
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('lists the bases and writes each of them byte for byte, and etcdutl restores it', async () => {
    const { stdout, stderr } = recover();
    const numbers = [...stdout.matchAll(/^(\d+) 20\S+Z revision \d+ etcd 3\.7\.3$/gm)].map(([, number]) => number!);
    assert.equal(numbers.length, 3, stdout + stderr);
    for (const [index, number] of numbers.entries()) {
      const path = join(folder, `${number}.db`);
      assert.equal(recover(number, path).status, 0);
      assert.deepEqual(await readFile(path), kept[index]);
    }
    assert.equal(recover('latest', join(folder, 'latest.db')).status, 0);
    assert.deepEqual(await readFile(join(folder, 'latest.db')), kept[2]);
    execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'restore', join(folder, 'latest.db'), '--data-dir', join(folder, 'restored')], { stdio: 'ignore' });
  });

  it('begins at the catalog where old entries were removed', async () => {
    const before = recover().stdout;
    const repository = await made.open();
    await repository.chain.catalog(made.keys.writer, []);
    const entries = join(made.folder, 'chain');
    const away = (await readdir(entries)).sort().slice(0, 3);
    const bytes = await Promise.all(away.map((name) => readFile(join(entries, name))));
    for (const name of away) await rm(join(entries, name));
    for (const last of ['the catalog', 'another entry']) {
      if (last === 'another entry') await (await made.open()).chain.append('verdict', made.keys.writer, () => ({}));
      const { stdout, stderr } = recover();
      assert.ok(stdout.startsWith(before), `${last}: ${stdout}${stderr}`);
      assert.equal(recover(/^\d+/.exec(before)![0], join(folder, `${last}.db`)).status, 0);
      assert.deepEqual(await readFile(join(folder, `${last}.db`)), kept[0]);
    }
    for (const [index, name] of away.entries()) await writeFile(join(entries, name), bytes[index]!);
  });

  it('reads the bases on both sides of an entry that is missing, and says so', async () => {
    const bases = recover().stdout;
    const entries = join(made.folder, 'chain');
    const names = (await readdir(entries)).sort();
    const gone = names.find((name) => !bases.match(new RegExp(`^${Number.parseInt(name, 16)} `, 'm')) && bases.match(new RegExp(`^${Number.parseInt(name, 16) - 1} `, 'm')))!;
    const bytes = await readFile(join(entries, gone));
    await rm(join(entries, gone));
    const { stdout, stderr } = recover();
    await writeFile(join(entries, gone), bytes);
    assert.equal(stdout, bases);
    assert.match(stderr, new RegExp(`^chain/${gone} is missing, and chain/\\w+ is there: `));
  });

  it('takes for the latest no base that has diverged, and says of one that it is', async () => {
    const { chain } = await made.open();
    const { hashes: _, ...last } = basesOf(chain).at(-1)!;
    const revision = last.revision + 1;
    const { number } = (await chain.append('base', made.keys.writer, () => ({ ...last, revision })))!;
    await appendBaseHashes(chain, { revision, number }, [{ member: last.member, verdict: 'different' }], made.keys.writer);
    assert.match(recover().stdout, new RegExp(`^${number} .* not to be used: members have something else$`, 'm'));
    assert.match(recover('latest', join(folder, 'good.db')).stdout, new RegExp(`revision ${last.revision}$`, 'm'));
    assert.match(recover(String(number), join(folder, 'diverged.db')).stderr, /is not what most members of etcd had/);
  });

  it('offers no base that is not kept any more', async () => {
    const repository = await made.open();
    const [first] = basesOf(repository.chain);
    await repository.chain.append('retire', made.keys.owner, () => ({ time: 0, bases: [first!.number], logs: [], entriesUpTo: 0 }));
    assert.doesNotMatch(recover().stdout, new RegExp(`^${first!.number} `, 'm'));
    assert.equal(recover(String(first!.number), join(folder, 'gone.db')).status, 1);
  });

  it('says what is missing: the program, or the right identity', async () => {
    const script = fromRepository('docs/guides/recover.py');
    const run = (identity: string, program: string) => spawnSync('python3', [script, made.folder, identity], { encoding: 'utf8', env: { ...process.env, AGE: program } });
    const none = run(join(folder, 'identity'), 'no-such-age');
    assert.deepEqual({ status: none.status, stderr: none.stderr }, { status: 1, stderr: 'the program no-such-age is not installed: apt-get install -y age, or name another one by AGE\n' });
    await writeFile(join(folder, 'other'), await generateX25519Identity());
    const other = run(join(folder, 'other'), age);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /keys\/1\.age does not open with .*other\n$/);
  });

  it('names an object that is damaged, and overwrites no file', async () => {
    const [pack] = (await readdir(join(made.folder, 'packs'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    const path = join(pack!.parentPath, pack!.name);
    const good = await readFile(path);
    const bad = Buffer.from(good);
    bad[good.length >> 1]! ^= 1;
    await writeFile(path, bad);
    const { status, stderr } = recover('latest', join(folder, 'bad.db'));
    await writeFile(path, good);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^packs/../${pack!.name}: its bytes are not those that were written\n$`));
    assert.equal(recover('latest', join(folder, 'latest.db')).status, 1);
    assert.deepEqual(await readFile(join(folder, 'latest.db')), kept[2]);
  });

  it('writes the keys of the cluster, for nobody else to read, also after recipients were changed', async () => {
    const keys = join(folder, 'keys');
    const none = recover('--bundle', keys);
    assert.deepEqual([none.status, none.stderr], [1, 'no base has the keys of the cluster beside it\n']);
    const secrets = await createSecrets('prod', now);
    await writeFile(join(folder, 'cluster.yaml'), 'kind: Cluster\n');
    await emptyBase(await made.open(), made.keys, { bundle: await bundleOf({ cluster, file: join(folder, 'cluster.yaml'), state: { knownHosts: '/nowhere' } }, { secrets, sealed: 'sealed' }, made.keys) });
    const reader = await identityToRecipient(await generateX25519Identity());
    await changeRecipients(await made.open(), ({ recipients, escrow }) => ({ recipients, escrow: [...escrow, reader] }), { keys: made.keys, identity: made.identity, now: Date.now });
    const { status, stdout, stderr } = recover('--bundle', keys);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^wrote .*keys: the keys of the cluster from base \d+\n$/);
    const read = (name: string) => readFile(join(keys, name), 'utf8');
    for (const { name, certificate, privateKey } of Object.values(secrets.authorities)) assert.deepEqual([await read(`${name}.crt`), await read(`${name}.key`)], [certificate, privateKey.reveal()]);
    assert.deepEqual([await read('sa.key'), await read('cluster.yaml')], [secrets.serviceAccountKey.reveal(), 'kind: Cluster\n']);
    assert.ok((await read('encryption.yaml')).includes(secrets.encryptionKey.reveal()));
    for (const name of await readdir(keys)) assert.equal((await stat(join(keys, name))).mode & 0o777, 0o600, name);
    assert.equal((await stat(keys)).mode & 0o777, 0o700);
    assert.equal(recover('--bundle', keys).status, 1, 'nothing is overwritten');
    // A writer can seal what it likes: it does not say where files go.
    const hostile = { secrets: JSON.stringify({ serviceAccountKey: 'x', authorities: { '../../outside': { certificate: 'x', privateKey: 'x' } } }), encryptionConfiguration: '' };
    await emptyBase(await made.open(), made.keys, { bundle: Buffer.from(JSON.stringify(hostile)) });
    const refused = recover('--bundle', join(folder, 'other-keys'));
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /names a CA '\.\.\/\.\.\/outside', which is no name of a file/);
    assert.equal(existsSync(join(folder, 'other-keys')), false);
  });
});
