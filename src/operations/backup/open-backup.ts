import { openRepository, openRepositoryAs, type Repository } from '../../backup/repository.ts';
import { unwrap, writerKeysFromText, type WriterKeys } from '../../backup/repository-keys.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import type { Operation } from '../operation.ts';
import { keep, readIdentity, readKept, type StateFolder } from '../state.ts';

/** Names in the state folder: the keys to write with, sealed to the identity, and the newest entry that was seen. */
export const keysFile = 'repository.age';
const seenFile = 'repository-seen.json';

type Reader = Pick<Operation, 'state' | 'identityFile'>;

export interface OpenBackup {
  readonly repository: Repository;
  readonly identity: Secret;
}

/** To read: the identity is enough. Throws `repository-mismatch` where the chain is not the one that was seen, or an older one. */
export async function openToRead({ state, identityFile }: Reader, store: Store): Promise<OpenBackup> {
  const identity = await readIdentity(state, identityFile);
  const repository = await openRepositoryAs(store, identity);
  await remember(state, repository);
  return { repository, identity };
}

/** To write: with the keys that `backup init` kept. */
export async function openToWrite({ state, identityFile }: Reader, store: Store): Promise<OpenBackup & { readonly keys: WriterKeys }> {
  const identity = await readIdentity(state, identityFile);
  const sealed = await readKept(state, keysFile);
  if (sealed === undefined) throw new KubekeepError('repository-missing', `${state.path} has no keys of a backup repository`, { hint: 'kubekeep backup init makes a repository and its keys.' });
  const keys = writerKeysFromText(new TextDecoder().decode(await unwrap(Buffer.from(sealed, 'base64'), identity, keysFile)));
  const repository = await openRepository(store, keys);
  await remember(state, repository);
  return { repository, identity, keys };
}

interface Seen {
  readonly id: string;
  readonly number: number;
  readonly hash: string;
}

/** Notes the newest entry. A repository that does not have the one noted before was rolled back or exchanged. */
export async function remember(state: StateFolder, { id, store, chain: { entries } }: Repository): Promise<void> {
  const noted = await readKept(state, seenFile);
  const seen = noted === undefined ? undefined : (JSON.parse(noted) as Seen);
  if (seen && seen.id === id && entries[seen.number - 1]?.hash !== seen.hash) {
    throw new KubekeepError('repository-mismatch', `${store.place} is not as it was seen before: entry ${seen.number} of its chain is ${entries[seen.number - 1] ? 'another one' : 'gone'}`, {
      hint: `Somebody put an older state back, or removed entries. To go on with what is there, remove ${state.path}/${seenFile}.`,
    });
  }
  const newest = entries.at(-1);
  if (newest && newest.hash !== seen?.hash) await keep(state, seenFile, `${JSON.stringify({ id, number: newest.number, hash: newest.hash } satisfies Seen)}\n`);
}
