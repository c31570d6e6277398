import { Decrypter, Encrypter } from 'age-encryption';
import { KubekeepError } from './errors.ts';
import type { Secret } from './secret.ts';

/** Encrypts to every recipient (`age1…`): an age file. Throws `identity-missing` where one is not a recipient. */
export async function encryptFor(recipients: readonly string[], content: Uint8Array | string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) addRecipient(encrypter, recipient);
  return encrypter.encrypt(content);
}

/** What to say where a file does not open. */
export interface Unopened {
  /** It was encrypted for others. */
  readonly forOthers: (cause: unknown) => KubekeepError;
  readonly broken: (cause: unknown) => KubekeepError;
}

/** Opens an age file. Throws `identity-missing` where the text is not an identity, else what the caller says. */
export async function decryptWith(identity: Secret, file: () => Uint8Array, { forOthers, broken }: Unopened): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(identity.reveal().trim());
  } catch {
    // The library's error may quote the identity, so it is not kept as the cause.
    throw notAnIdentity();
  }
  try {
    return await decrypter.decrypt(file());
  } catch (cause) {
    throw cause instanceof Error && cause.message.startsWith('no identity matched') ? forOthers(cause) : broken(cause);
  }
}

export function notAnIdentity(): KubekeepError {
  return new KubekeepError('identity-missing', 'what was given as identity is not an age identity', { hint: 'an identity starts with AGE-SECRET-KEY-1' });
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    throw new KubekeepError('identity-missing', `"${recipient}" is not an age recipient, so nothing can be sealed to it`, { hint: 'a recipient starts with age1', cause });
  }
}
