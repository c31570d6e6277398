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
}

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
export function writerKeysToText({ repository, secret, writer, owner: ownerKey }: WriterKeys & { readonly owner: SigningKey }): string {
  return JSON.stringify({ repository, secret: secret.reveal(), writer: { id: writer.writer, key: signingKeyToText(writer) }, owner: signingKeyToText(ownerKey) });
}

const writerKeysSchema = z.object({ repository: z.string(), secret: z.string(), writer: z.object({ id: z.string(), key: z.string() }) });

/** Throws where the text is not what `writerKeysToText` gave. */
export function writerKeysFromText(text: string): WriterKeys {
  const { repository, secret, writer } = writerKeysSchema.parse(JSON.parse(text));
  return { repository, secret: new Secret(secret), writer: { writer: writer.id, key: createPrivateKey(writer.key) } };
}

export function newRepositorySecret(): Secret {
  return new Secret(randomBytes(32).toString('base64'));
}

export interface DerivedKeys {
  readonly pageId: Uint8Array;
  readonly structure: ObjectKey;
}

export function deriveKeys(secret: Secret, repository: string): DerivedKeys {
  const derive = (info: string) => new Uint8Array(hkdfSync('sha256', Buffer.from(secret.reveal(), 'base64'), Buffer.from(repository, 'hex'), info, 32));
  return { pageId: derive('kubekeep/1 page id'), structure: { scope: 'structure', capture: new Uint8Array(16), key: derive('kubekeep/1 structure') } };
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
    forOthers: (cause) => new KubekeepError('identity-missing', `the identity does not open ${name}: it was written for other recipients`, { hint: 'Give another one: KUBEKEEP_IDENTITY=FILE.', cause }),
    broken: (cause) => damaged(name, 'it is no whole age file', cause),
  });
}
