import { createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decryptWith } from '../lib/age.ts';
import { KubekeepError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';
import { damaged, type ObjectKey } from './format/encrypted-object.ts';

/** Keys by docs/design/repository-format.md, section 4. */
export interface SigningKey {
  /** The writer's number, 32 hexadecimal digits; zeros for the owner. */
  readonly writer: string;
  readonly key: KeyObject;
}

export const owner = '0'.repeat(32);

/** What one who writes has. */
export interface WriterKeys {
  /** Repository id: 32 hexadecimal digits. */
  readonly repository: string;
  /** 32 bytes in base64. */
  readonly secret: Secret;
  readonly writer: SigningKey;
  /** The owner's public key, 32 bytes in base64url: what the place itself says of its owner is not believed. */
  readonly ownerKey: string;
}

/** What one who makes a repository has. */
export interface OwnerKeys extends WriterKeys {
  readonly owner: SigningKey;
}

export function newOwnerKeys(): OwnerKeys {
  const ownersKey = newSigningKey(owner);
  return { repository: randomBytes(16).toString('hex'), secret: new Secret(randomBytes(32).toString('base64')), writer: newSigningKey(), owner: ownersKey, ownerKey: publicBytes(ownersKey) };
}

/** PKCS #8 of an Ed25519 key, before its 32 bytes. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The keys of one more writer, always the same for a name: who has the owner's key needs to keep no other, and nobody else can make them. The next `generation`, from 1, is another writer under the same
 * name, for where somebody may have the one before.
 */
export function namedWriter({ repository, secret, owner: ownersKey, ownerKey }: OwnerKeys, name: string, generation = 1): WriterKeys {
  const seed = Buffer.from(ownersKey.key.export({ format: 'jwk' }).d!, 'base64url');
  const derived = Buffer.from(hkdfSync('sha256', seed, Buffer.from(repository, 'hex'), `kubekeep/1 writer ${generation} ${name}`, 48));
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, derived.subarray(16)]), format: 'der', type: 'pkcs8' });
  return { repository, secret, ownerKey, writer: { writer: derived.subarray(0, 16).toString('hex'), key } };
}

/** @internal also for tests */
export function newSigningKey(writer = randomBytes(16).toString('hex')): SigningKey {
  return { writer, key: generateKeyPairSync('ed25519').privateKey };
}

/** The 32 bytes of an Ed25519 public key in base64url, and back. */
export function publicBytes({ key }: SigningKey): string {
  return createPublicKey(key).export({ format: 'jwk' }).x!;
}

export function publicKeyOf(x: string): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
}

function signingKeyToText({ key }: SigningKey): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** JSON, to be sealed. */
export function ownerKeysToText({ repository, secret, writer, owner: ownersKey }: OwnerKeys): string {
  return JSON.stringify({ repository, secret: secret.reveal(), writer: { id: writer.writer, key: signingKeyToText(writer) }, owner: signingKeyToText(ownersKey) });
}

/** JSON, for the one who writes; a secret. */
export function writerKeysToText({ repository, secret, writer, ownerKey }: WriterKeys): string {
  return JSON.stringify({ repository, secret: secret.reveal(), writer: { id: writer.writer, key: signingKeyToText(writer) }, ownerKey });
}

const writerSchema = z.object({ id: z.string(), key: z.string() });
const writerKeysSchema = z.object({ repository: z.string(), secret: z.string(), writer: writerSchema, ownerKey: z.string() });

/** Throws where the text is not what `writerKeysToText` gave. */
export function writerKeysFromText(text: string): WriterKeys {
  const { repository, secret, writer, ownerKey } = writerKeysSchema.parse(JSON.parse(text));
  return { repository, secret: new Secret(secret), writer: { writer: writer.id, key: createPrivateKey(writer.key) }, ownerKey };
}

const ownerKeysSchema = z.object({ repository: z.string(), secret: z.string(), writer: writerSchema, owner: z.string() });

/** Throws where the text is not what `ownerKeysToText` gave. */
export function ownerKeysFromText(text: string): OwnerKeys {
  const { repository, secret, writer, owner: ownersText } = ownerKeysSchema.parse(JSON.parse(text));
  const ownersKey = { writer: owner, key: createPrivateKey(ownersText) };
  return { repository, secret: new Secret(secret), writer: { writer: writer.id, key: createPrivateKey(writer.key) }, owner: ownersKey, ownerKey: publicBytes(ownersKey) };
}

export interface DerivedKeys {
  readonly pageId: Uint8Array;
  readonly bundleMac: Uint8Array;
  readonly structure: ObjectKey;
}

export function deriveKeys(secret: Secret, repository: string): DerivedKeys {
  const derive = (info: string) => new Uint8Array(hkdfSync('sha256', Buffer.from(secret.reveal(), 'base64'), Buffer.from(repository, 'hex'), info, 32));
  return { pageId: derive('kubekeep/1 page id'), bundleMac: derive('kubekeep/1 bundle'), structure: { scope: 'structure', capture: new Uint8Array(16), key: derive('kubekeep/1 structure') } };
}

/** A key of 32 bytes. Throws what `unwrap` throws. */
export async function unwrapKey(wrapped: Uint8Array, identity: Secret, name: string): Promise<Uint8Array> {
  const key = await unwrap(wrapped, identity, name);
  if (key.length !== 32) throw damaged(name, 'it holds no key');
  return key;
}

/** Throws `identity-missing` where the identity is not one of the recipients, `repository-damaged` where the file is not whole. */
export function unwrap(wrapped: Uint8Array, identity: Secret, name: string): Promise<Uint8Array> {
  return decryptWith(identity, () => wrapped, {
    forOthers: (cause) => new KubekeepError('identity-missing', `the identity does not open ${name}: it was written for other recipients, or is damaged`, { hint: 'Give another one: KUBEKEEP_IDENTITY=FILE. Where kubekeep backup keys prove says that this one opens others, the file is damaged: a copy of the place may still have it.', cause }),
    broken: (cause) => damaged(name, 'it is no whole age file', cause),
  });
}
