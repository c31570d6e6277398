import { armor, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { decryptWith, encryptFor, notAnIdentity } from '../lib/age.ts';
import { KubekeepError } from '../lib/errors.ts';
import { bundleFromJson, bundleToJson } from './secrets-text.ts';
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
  return new TextEncoder().encode(armor.encode(await encryptFor(recipients, bundleToJson(secrets))));
}

/**
 * Opens a sealed file. Throws `identity-missing` where the identity is not one of those it was sealed to, `state-broken` where the file is
 * damaged or does not hold together. The file is not signed: the caller compares the cluster id with the one it expects.
 */
export async function open(bytes: Uint8Array, identity: Secret): Promise<ClusterSecrets> {
  const json = await decryptWith(identity, () => armor.decode(new TextDecoder().decode(bytes)), {
    forOthers: (cause) => new KubekeepError('identity-missing', 'the identity does not open the sealed keys of this cluster: they were sealed to another one, or are damaged', {
      hint: 'Give the identity that was made together with the cluster file. Every control-plane host has a copy of the sealed keys.',
      cause,
    }),
    broken: (cause) => new KubekeepError('state-broken', 'the sealed keys of the cluster are damaged: the file cannot be decrypted', {
      hint: 'every control-plane host has a copy of the file',
      cause,
    }),
  });
  return bundleFromJson(new TextDecoder().decode(json));
}
