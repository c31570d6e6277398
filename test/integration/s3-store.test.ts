import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { changeRecipients } from '../../src/backup/change-recipients.ts';
import { createRepository, openRepository } from '../../src/backup/repository.ts';
import { newOwnerKeys } from '../../src/backup/repository-keys.ts';
import { retryingStore } from '../../src/backup/store/retrying-store.ts';
import type { S3Place } from '../../src/backup/store/s3-place.ts';
import { s3Store } from '../../src/backup/store/s3-store.ts';
import type { Store } from '../../src/backup/store/store.ts';
import { storeConformance } from '../../src/backup/store/store.conformance.ts';
import { readClusterFile } from '../../src/cli/cluster-file.ts';
import { exampleClusterFile } from '../../src/cluster/example-file.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';
import { bundleOf } from '../../src/operations/backup/cluster-bundle.ts';
import { openKeptSecrets, stateFolder } from '../../src/operations/state.ts';
import { createIdentity } from '../../src/pki/seal.ts';
import { createSecrets, publicAuthorities } from '../../src/pki/secrets.ts';
import { emptyBase } from '../support/backup-repository.ts';
import { carelessS3 } from '../support/careless-s3.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, kubekeep } from '../support/lab-cluster.ts';
import { realS3, type RealS3, type S3Login } from '../support/real-s3.ts';
import { startRelay } from '../support/relay.ts';

const signal = new AbortController().signal;
let s3: RealS3;
let count = 0;
let recipient: string;

before(async () => {
  s3 = await realS3();
  loginAs(s3.owner);
  await s3.client.createBucket({ Bucket: 'backups' });
  recipient = await identityToRecipient(await generateX25519Identity());
});
after(() => s3[Symbol.asyncDispose]());

function loginAs(login: S3Login): void {
  Object.assign(process.env, login, { AWS_EC2_METADATA_DISABLED: 'true' });
}
const next = () => `store-${++count}/`;
const at = (place: Partial<S3Place>) => s3Store({ bucket: 'backups', prefix: '', endpoint: s3.endpoint, ca: s3.ca, pathStyle: true, ...place }, { signal, patience: 5000 });
const create = (store: Store, keys = newOwnerKeys()) => createRepository(store, [recipient], { keys, begun: false, keep: async () => {} });

storeConformance('a bucket of radosgw', {
  open: async () => at({ prefix: next() }),
  again: async ({ place }) => at({ prefix: place.replace('s3://backups/', '').concat('/') }),
});

describe('a repository in a bucket', () => {
  it('can be made once, and two that append at once make one chain', async () => {
    const [store, keys] = [at({ prefix: next() }), newOwnerKeys()];
    await create(store, keys);
    await assert.rejects(create(store), { code: 'repository-exists' });
    const [one, other] = [await openRepository(store, keys), await openRepository(at({ prefix: `store-${count}/` }), keys)];
    await Promise.all(Array.from({ length: 10 }, (_, number) => (number % 2 ? one : other).chain.append('base', keys.writer, () => ({ number }))));
    const { chain } = await openRepository(store, keys);
    const numbers = chain.entries.filter(({ kind }) => kind === 'base').map(({ body }) => (body as { number: number }).number);
    assert.deepEqual(numbers.toSorted((a, b) => a - b), Array.from({ length: 10 }, (_, number) => number));
  });

  it('brings the keys of the cluster back for one who became a recipient later, with an identity and a command line alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kubekeep-s3-state-'));
    try {
      const [own, bob, secrets, keys, file] = [await createIdentity(), await createIdentity(), await createSecrets('prod', Date.now()), newOwnerKeys(), join(folder, 'lost.yaml')];
      const prefix = next();
      await writeFile(file, exampleClusterFile({ name: 'prod', vip: '198.18.250.100/24', hosts: [{ name: 'cp1', address: '198.18.250.11' }], backup: { repository: 'backups' } }));
      await createRepository(at({ prefix }), [own.recipient], { keys, begun: false, keep: async () => {} });
      const repository = await openRepository(at({ prefix }), keys);
      const { cluster } = await readClusterFile(file);
      await emptyBase(repository, keys, { bundle: await bundleOf({ cluster, file, state: { knownHosts: '/nowhere' } }, { secrets, sealed: 'sealed' }, keys) });
      await changeRecipients(repository, () => ({ recipients: [own.recipient, bob.recipient], escrow: [own.recipient, bob.recipient] }), { keys, identity: own.identity, now: Date.now });
      assert.deepEqual(await at({ prefix }).list('keys/'), ['keys/2.age']);
      await writeFile(join(folder, 'bob'), bob.identity.reveal(), { mode: 0o600 });
      const { stdout } = await expectZero(kubekeep('restore', 'state', '--identity', join(folder, 'bob'), '--repository', `s3://backups/${prefix}`, '--s3-endpoint', s3.endpoint, '--s3-ca', s3.ca, '--file', join(folder, 'cluster.yaml')));
      assert.match(stdout, new RegExp(`owner ${keys.ownerKey}`));
      assert.equal(await readFile(join(folder, 'cluster.yaml'), 'utf8'), await readFile(file, 'utf8'));
      const opened = await openKeptSecrets(stateFolder(folder, 'prod'), { cluster: 'prod', identityFile: undefined });
      assert.deepEqual(publicAuthorities(opened!.secrets), publicAuthorities(secrets));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is not made where If-None-Match is ignored', async () => {
    await using careless = await carelessS3(s3);
    const prefix = next();
    const store = at({ prefix, endpoint: careless.endpoint });
    await assert.rejects(create(store), { code: 'store-failed', message: new RegExp(`s3://backups/${prefix.slice(0, -1)} lets a name be written twice`), hint: /obeys If-None-Match/ });
    assert.ok(careless.ignored() >= 2);
    assert.deepEqual(await store.list(''), []);
  });

  it('is not made in a bucket that keeps versions, where this server obeys no condition', async () => {
    await s3.client.createBucket({ Bucket: 'versions' });
    await s3.client.putBucketVersioning({ Bucket: 'versions', VersioningConfiguration: { Status: 'Enabled' } });
    await assert.rejects(create(at({ bucket: 'versions' })), { code: 'store-failed', message: /s3:\/\/versions lets a name be written twice/ });
  });
});

describe('the policy of the guide', () => {
  it('is enough to make a repository, to write and to read it, and for nothing else', async () => {
    const guide = await readFile(fromRepository('docs/guides/backups.md'), 'utf8');
    const policy = JSON.parse(/```json\n([\s\S]*?)```/.exec(guide)![1]!.replaceAll('arn:aws:s3:::backups', 'arn:aws:s3:::guided')) as { Statement: object[] };
    await s3.client.createBucket({ Bucket: 'guided' });
    const Statement = policy.Statement.map((one) => ({ ...one, Principal: { AWS: ['arn:aws:iam:::user/stranger'] } }));
    await s3.client.putBucketPolicy({ Bucket: 'guided', Policy: JSON.stringify({ ...policy, Statement }) });
    loginAs(s3.stranger);
    const [store, keys] = [at({ bucket: 'guided', prefix: 'prod/' }), newOwnerKeys()];
    const denied = { code: 'store-failed', message: /does not allow it \(AccessDenied\)$/ };
    try {
      await create(store, keys);
      const { chain } = await openRepository(store, keys);
      await chain.append('base', keys.writer, () => ({}));
      await assert.rejects(store.remove('chain/0000000000000003'), denied);
      await assert.rejects(at({ bucket: 'guided', prefix: 'other/' }).create('x', Buffer.from('x')), denied);
    } finally {
      loginAs(s3.owner);
    }
  });
});

describe('a bucket of radosgw that cannot be used', () => {
  const failed = (message: RegExp) => ({ code: 'store-failed', message });

  it('says so where it is missing, is of somebody else, or is shown with a wrong or an unknown key', async () => {
    await assert.rejects(at({ bucket: 'missing' }).read('x'), failed(/cannot read x in s3:\/\/missing: https:\/\/127\.0\.0\.1:\d+ has no bucket missing$/));
    await assert.rejects(at({ bucket: 'missing' }).create('x', Buffer.from('x')), failed(/has no bucket missing$/));
    await assert.rejects(at({ bucket: 'missing' }).list(''), failed(/has no bucket missing$/));
    for (const [login, message] of [
      [s3.stranger, /does not allow it \(AccessDenied\)$/],
      [{ ...s3.owner, AWS_SECRET_ACCESS_KEY: 'canary-wrong-5d0c' }, /does not accept the secret key$/],
      [{ ...s3.owner, AWS_ACCESS_KEY_ID: 'AKNOBODY' }, /does not know the access key$/],
    ] as const) {
      loginAs(login);
      const store = at({});
      await assert.rejects(store.list(''), failed(message));
      await assert.rejects(store.create('x', Buffer.from('x')), failed(message));
    }
    loginAs(s3.owner);
  });

  it("is used again when its connections are cut in the middle, and what was written by an attempt that was cut is taken for one's own", async () => {
    const relay = await startRelay(Number(new URL(s3.endpoint).port));
    try {
      const store = retryingStore(at({ prefix: next(), endpoint: `https://127.0.0.1:${relay.port}` }), { clock: systemClock, draw: seededDraw(1), signal });
      const content = await readFile(s3.ca);
      const cuts = (async () => {
        for (let cut = 0; cut < 8; cut++) {
          await systemClock.sleep(400);
          relay.cut();
        }
      })();
      const outcomes = await Promise.all(Array.from({ length: 300 }, async (_, number) => {
        await systemClock.sleep(number * 10);
        return store.create(`packs/${number}`, content);
      }));
      await cuts;
      assert.deepEqual(new Set(outcomes), new Set(['created']));
      assert.ok(relay.accepted() > 8, `${relay.accepted()} connections`);
      assert.equal((await store.list('packs/')).length, 300);
    } finally {
      relay.close();
    }
  });
});
