import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { KubekeepError } from '../lib/errors.ts';
import { bundleFromJson, bundleToJson } from './_bundle.ts';
import { Secret } from '../lib/secret.ts';
import type { ClusterSecrets } from './secrets.ts';

export interface Identity {
  /** `AGE-SECRET-KEY-1…`: opens what was sealed to its recipient. */
  readonly identity: Secret;
  /** `age1…`: may be known by anybody. */
  readonly recipient: string;
}

/** A new age identity for an operator. */
export async function createIdentity(): Promise<Identity> {
  const identity = await generateX25519Identity();
  return { identity: new Secret(identity), recipient: await identityToRecipient(identity) };
}

/** The recipient of an identity, `identity-missing` where the text is not an age identity. */
export async function recipientOf(identity: Secret): Promise<string> {
  try {
    return await identityToRecipient(identity.reveal().trim());
  } catch {
    throw notAnIdentity();
  }
}

/** Encrypts the secrets to every recipient (`age1…`): an armored age file, which `age --decrypt` also opens. */
export async function seal(secrets: ClusterSecrets, recipients: readonly string[]): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) addRecipient(encrypter, recipient);
  return new TextEncoder().encode(armor.encode(await encrypter.encrypt(bundleToJson(secrets))));
}

/**
 * Opens a sealed file. Throws `identity-missing` where the identity is not one of those it was sealed to, `state-broken` where the file is
 * damaged or does not hold together. The file is not signed: the caller compares the cluster id with the one it expects.
 */
export async function open(bytes: Uint8Array, identity: Secret): Promise<ClusterSecrets> {
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(identity.reveal().trim());
  } catch {
    // The library's error may quote the identity, so it is not kept as the cause.
    throw notAnIdentity();
  }
  return bundleFromJson(await decrypt(decrypter, bytes));
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    throw new KubekeepError('identity-missing', `"${recipient}" is not an age recipient, so nothing can be sealed to it`, { hint: 'a recipient starts with age1', cause });
  }
}

async function decrypt(decrypter: Decrypter, bytes: Uint8Array): Promise<string> {
  try {
    return await decrypter.decrypt(armor.decode(new TextDecoder().decode(bytes)), 'text');
  } catch (cause) {
    if (cause instanceof Error && cause.message.startsWith('no identity matched')) {
      throw new KubekeepError('identity-missing', 'the identity does not open the sealed keys of this cluster: they were sealed to another one', {
        hint: 'give the identity that was made together with the cluster file',
        cause,
      });
    }
    throw new KubekeepError('state-broken', 'the sealed keys of the cluster are damaged: the file cannot be decrypted', {
      hint: 'every control-plane host has a copy of the file',
      cause,
    });
  }
}

function notAnIdentity(): KubekeepError {
  return new KubekeepError('identity-missing', 'what was given as identity is not an age identity', { hint: 'an identity starts with AGE-SECRET-KEY-1' });
}
