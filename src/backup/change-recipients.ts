import { encryptFor } from '../lib/age.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import { captureKeys, livingKeys, wrapFor, wrappedName, wrappedScopes } from './captures.ts';
import { damaged } from './format/encrypted-object.ts';
import { allOf, nextRecipients, sameLists, type Recipients, type RecipientLists } from './recipients.ts';
import { unwrapKey, type OwnerKeys } from './repository-keys.ts';
import { keysName, type Repository } from './repository.ts';
import type { Store } from './store/store.ts';
import { tryToRemove, type Left } from './store/try-to-remove.ts';

export interface ChangeOptions {
  readonly keys: Pick<OwnerKeys, 'owner' | 'secret'>;
  /** Opens what there is, to wrap it again. */
  readonly identity: Secret;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Called for each key: how many were looked at so far. */
  readonly onKey?: (done: number) => void;
}

export interface ChangedRecipients {
  readonly recipients: Recipients;
  /** Keys of data and of bundles that were wrapped now. */
  readonly wrapped: number;
  /** Names of keys that could not be opened with the identity, and why: they are still wrapped for those of before only. */
  readonly unopened: readonly Left[];
  /** What the store does not let go, as one whose objects are locked for a time: who could read it still can. The next change tries again. */
  readonly unremoved: readonly Left[];
}

/**
 * Says for whom the repository is written from now on, and wraps all keys that there are for them. The entry comes first: who writes looks at it before naming a key, so that from then on the keys of
 * before are all that there will be. Each key is there for the new recipients before what was there for the old ones is removed; a change that was cut off anywhere is finished by any later call.
 * Throws `identity-missing` where one is no recipient: then nothing was changed.
 */
export async function changeRecipients(repository: Repository, change: (present: RecipientLists) => RecipientLists, options: ChangeOptions): Promise<ChangedRecipients> {
  const { chain } = repository;
  const { keys: { owner }, now } = options;
  await encryptFor(allOf(change(repository.recipients)), '');
  await chain.append('recipients', owner, () => {
    const { recipients: present } = repository;
    const wanted = change(present);
    return sameLists(present, wanted) ? undefined : nextRecipients(present, wanted, now());
  });
  return wrapAll(repository, options);
}

async function wrapAll(repository: Repository, { keys: { secret }, identity, signal, onKey }: ChangeOptions): Promise<ChangedRecipients> {
  const { store, recipients } = repository;
  const { generation } = recipients;
  await place(store, keysName(generation), { plain: Buffer.from(secret.reveal(), 'base64'), wrap: (plain) => encryptFor(allOf(recipients), plain), identity });
  const unopened: Left[] = [];
  const obsolete = Array.from({ length: generation - 1 }, (_, index) => keysName(index + 1));
  let wrapped = 0;
  let done = 0;
  for (const scope of wrappedScopes) {
    for (const [capture, generations] of await livingKeys(repository, scope)) {
      signal?.throwIfAborted();
      onKey?.(done++);
      // Nothing depends on it any more that was there before.
      if (generations.length === 1 && generations[0] === generation) continue;
      const name = wrappedName(scope, capture, generation);
      try {
        const { key } = await captureKeys(repository, identity, scope)(capture);
        if (await place(store, name, { plain: key, wrap: (plain) => wrapFor(recipients, scope, plain), identity })) wrapped++;
        obsolete.push(...generations.filter((one) => one < generation).map((one) => wrappedName(scope, capture, one)));
      } catch (error) {
        if (!(error instanceof KubekeepError) || error.code === 'store-failed') throw error;
        unopened.push({ name, why: error.message });
      }
    }
  }
  const unremoved: Left[] = [];
  for (const name of obsolete) {
    const left = await tryToRemove(store, name);
    if (left) unremoved.push(left);
  }
  return { recipients, wrapped, unopened, unremoved };
}

interface Placed {
  readonly plain: Uint8Array;
  readonly wrap: (plain: Uint8Array) => Promise<Uint8Array>;
  readonly identity: Secret;
}

/** Whether it was put there now. What was there already is believed only once it opens, since what was there before it is removed then. */
async function place(store: Store, name: string, { plain, wrap, identity }: Placed): Promise<boolean> {
  if ((await store.create(name, await wrap(plain))) === 'created') return true;
  const there = await store.read(name);
  if (!there || !Buffer.from(await unwrapKey(there, identity, name)).equals(plain)) throw damaged(name, 'it is not the key that it should be');
  return false;
}
