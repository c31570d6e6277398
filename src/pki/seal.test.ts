import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { armor, Encrypter } from 'age-encryption';
import { KubekeepError } from '../lib/errors.ts';
import { bundleToJson } from './secrets-text.ts';
import { authorityNames } from './authorities.ts';
import { now } from '../../test/support/example-cluster.ts';
import { createIdentity, open, recipientOf, seal } from './seal.ts';
import { Secret } from '../lib/secret.ts';
import { createSecrets, publicAuthorities, servicePublicKey } from './secrets.ts';

const secrets = await createSecrets('prod', now);
const [ann, bob, eve] = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
const sealed = await seal(secrets, [ann.recipient, bob.recipient]);
const json = bundleToJson(secrets);

test('what was sealed opens unchanged for each recipient', async () => {
  for (const { identity } of [ann, bob]) assert.equal(bundleToJson(await open(sealed, identity)), json);
  assert.equal(await recipientOf(ann.identity), ann.recipient);
  assert.match(ann.identity.reveal(), /^AGE-SECRET-KEY-1/);
});

test('the sealed file is armored age and holds no key in the clear', () => {
  const text = new TextDecoder().decode(sealed);
  assert.match(text, /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  for (const word of ['PRIVATE KEY', secrets.encryptionKey.reveal(), secrets.clusterId]) assert.equal(text.includes(word), false);
});

test('the secrets are what the programs take: RSA 2048, 32 bytes, five CAs', () => {
  const key = createPrivateKey(secrets.serviceAccountKey.reveal());
  assert.deepEqual([key.asymmetricKeyType, key.asymmetricKeyDetails?.modulusLength], ['rsa', 2048]);
  assert.equal(createPublicKey(key).equals(createPublicKey(servicePublicKey(secrets))), true);
  assert.equal(Buffer.from(secrets.encryptionKey.reveal(), 'base64').length, 32);
  assert.deepEqual(Object.keys(publicAuthorities(secrets)), [...authorityNames]);
  assert.equal(inspect(publicAuthorities(secrets), { depth: 9 }).includes('rivate'), false);
});

test('printing the secrets in any usual way shows none of them', () => {
  const printed = [inspect(secrets, { depth: 9, showHidden: true }), JSON.stringify(secrets), `${String(secrets.serviceAccountKey)}`, inspect(ann)].join('\n');
  for (const word of ['PRIVATE KEY', secrets.encryptionKey.reveal(), 'AGE-SECRET-KEY-']) assert.equal(printed.includes(word), false);
});

const sealText = async (text: string): Promise<Uint8Array> => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(ann.recipient);
  return new TextEncoder().encode(armor.encode(await encrypter.encrypt(text)));
};
const changed = (change: (bundle: any) => void): Promise<Uint8Array> => {
  const bundle = JSON.parse(json);
  change(bundle);
  return sealText(JSON.stringify(bundle));
};
const flipped = (): Uint8Array => {
  const raw = armor.decode(new TextDecoder().decode(sealed));
  raw[raw.length - 20]! ^= 1;
  return new TextEncoder().encode(armor.encode(raw));
};

const failures: readonly (readonly [string, () => Promise<Uint8Array> | Uint8Array, Secret, string, RegExp])[] = [
  ['another identity', () => sealed, eve.identity, 'identity-missing', /does not open/],
  ['no identity at all', () => sealed, new Secret('hello'), 'identity-missing', /not an age identity/],
  ['an identity with a slip', () => sealed, new Secret(ann.identity.reveal().replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q'))), 'identity-missing', /not an age identity/],
  ['an empty file', () => new Uint8Array(), ann.identity, 'state-broken', /damaged/],
  ['half a file', () => sealed.slice(0, sealed.length / 2), ann.identity, 'state-broken', /damaged/],
  ['one bit turned', flipped, ann.identity, 'state-broken', /damaged/],
  ['text inside', () => sealText(secrets.serviceAccountKey.reveal()), ann.identity, 'state-broken', /not JSON/],
  ['a newer format', () => changed((bundle) => (bundle.format = 'kubekeep.secrets/v2')), ann.identity, 'state-broken', /field format/],
  ['a CA missing', () => changed((bundle) => delete bundle.authorities.etcd), ann.identity, 'state-broken', /field authorities\.etcd/],
  ['keys of two CAs mixed up', () => changed((bundle) => (bundle.authorities.etcd.privateKey = bundle.authorities['etcd-peer'].privateKey)), ann.identity, 'state-broken', /CA etcd do not belong/],
  ['the id of another cluster', () => changed((bundle) => (bundle.clusterId = '0'.repeat(64))), ann.identity, 'state-broken', /cluster id/],
  ['a short encryption key', () => changed((bundle) => (bundle.encryptionKey = 'QUJD')), ann.identity, 'state-broken', /field encryptionKey/],
];

for (const [title, file, identity, code, message] of failures) {
  test(`a sealed file is refused in words that hold no secret: ${title}`, async () => {
    const error: unknown = await open(await file(), identity).then(() => undefined, (caught: unknown) => caught);
    assert.ok(error instanceof KubekeepError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    const printed = inspect(error, { depth: 9, showHidden: true });
    for (const word of ['BEGIN PRIVATE', 'MII', secrets.encryptionKey.reveal(), identity.reveal().slice(8)]) assert.equal(word !== '' && printed.includes(word), false, word);
  });
}

test('sealing to something that is no recipient is refused', async () => {
  await assert.rejects(seal(secrets, ['age1nonsense']), { code: 'identity-missing' });
});
