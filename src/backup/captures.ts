import { randomBytes } from 'node:crypto';
import { encryptFor } from '../lib/age.ts';
import type { Secret } from '../lib/secret.ts';
import { damaged, type ObjectKey } from './format/encrypted-object.ts';
import { unwrapKey } from './repository-keys.ts';
import type { Repository } from './repository.ts';

/** A data key that nobody had before, wrapped for the recipients: only they can open later what is written under it. */
export async function newCapture(repository: Repository): Promise<ObjectKey> {
  await repository.chain.present();
  const capture = randomBytes(16);
  const key: ObjectKey = { scope: 'data', capture, key: randomBytes(32) };
  await repository.store.create(captureName(repository, capture.toString('hex')), await encryptFor(repository.recipients.recipients, key.key));
  return key;
}

/** By capture: 32 hexadecimal digits. Rejects with `repository-damaged`, and with `identity-missing` where it was wrapped for others. */
export type CaptureKeys = (capture: string) => Promise<ObjectKey>;

/** The way to all data keys: only a recipient has it. */
export function captureKeys(repository: Repository, identity: Secret): CaptureKeys {
  const known = new Map<string, Promise<ObjectKey>>();
  const unwrap = async (capture: string): Promise<ObjectKey> => {
    const name = captureName(repository, capture);
    const wrapped = await repository.store.read(name);
    if (!wrapped) throw damaged(name, `it is missing in ${repository.store.place}, and without it what was stored with it cannot be read`);
    return { scope: 'data', capture: Buffer.from(capture, 'hex'), key: await unwrapKey(wrapped, identity, name) };
  };
  return (capture) => {
    const key = known.get(capture) ?? unwrap(capture);
    known.set(capture, key);
    return key;
  };
}

function captureName({ recipients: { generation } }: Repository, capture: string): string {
  return `captures/${capture}.${generation}.age`;
}
