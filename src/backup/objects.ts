import { captureOf, damaged, decryptLarge, encryptObject, hashOf, type ObjectKey } from './format/encrypted-object.ts';
import { objectName, type StoredKind } from './format/object-name.ts';
import type { Store } from './store/store.ts';

/** Where objects are kept under names that are their hashes. */
export interface ObjectPlace {
  readonly store: Store;
  /** 32 hexadecimal digits. */
  readonly repository: string;
}

/** Encrypts, stores, and gives the hash that the object is named by. */
export async function putObject({ store, repository }: ObjectPlace, kind: StoredKind, plain: Uint8Array, key: ObjectKey): Promise<string> {
  const bytes = encryptObject(plain, { repository: Buffer.from(repository, 'hex'), kind }, key);
  const hash = hashOf(bytes);
  await store.create(objectName(kind, hash), bytes);
  return hash;
}

/** Throws `repository-damaged` where the object is missing or not what was written. `keyFor` is given the object's capture. */
export async function getObject({ store, repository }: ObjectPlace, kind: StoredKind, hash: string, keyFor: (capture: string) => ObjectKey | Promise<ObjectKey>): Promise<Buffer> {
  const name = objectName(kind, hash);
  const bytes = await store.read(name);
  if (!bytes) throw damaged(name, `it is missing in ${store.place}`);
  if (hashOf(bytes) !== hash) throw damaged(name, 'its bytes are not those that were written');
  return decryptLarge(bytes, { repository: Buffer.from(repository, 'hex'), kind, name }, await keyFor(captureOf(bytes, name)));
}
