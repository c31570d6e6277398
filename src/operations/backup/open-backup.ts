import { z } from 'zod';
import { openRepository, openRepositoryAs, type Repository } from '../../backup/repository.ts';
import { goesUpTo } from '../../backup/retention/retired.ts';
import { ownerKeysFromText, ownerKeysToText, unwrap, type OwnerKeys, type WriterKeys } from '../../backup/repository-keys.ts';
import type { Store } from '../../backup/store/store.ts';
import { encryptFor } from '../../lib/age.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import type { Operation } from '../operation.ts';
import { keep, readIdentity, readKept, type StateFolder } from '../state.ts';

/** Names in the state folder: the keys of the repository, sealed to the identity, and the newest entry that was seen. */
export const keysFile = 'repository.age';
const seenFile = 'repository-seen.json';

type Reader = Pick<Operation, 'state' | 'identityFile'>;

export interface OpenBackup {
  readonly repository: Repository;
  readonly identity: Secret;
}

export interface OpenToWrite extends OpenBackup {
  readonly keys: OwnerKeys;
}

export interface OpenAsWriter {
  readonly repository: Repository;
  readonly keys: WriterKeys;
}

/** To read: the identity is enough. Throws `repository-mismatch` where the chain is not the one that was seen, or an older one. */
export async function openToRead({ state, identityFile }: Reader, store: Store): Promise<OpenBackup & { readonly keys: OwnerKeys | undefined }> {
  const identity = await readIdentity(state, identityFile);
  const keys = await keptKeys(state, identity).catch((error: unknown) => {
    // Another recipient's identity reads the repository and not the keys of who made it.
    if (error instanceof KubekeepError && error.code === 'identity-missing') return undefined;
    throw error;
  });
  const repository = keys ? await openRepository(store, keys) : await openRepositoryAs(store, identity);
  await remember(state, repository);
  return { repository, identity, keys };
}

/** To write: with the keys that `backup init` kept. */
export async function openToWrite({ state, identityFile }: Reader, store: Store): Promise<OpenToWrite> {
  const sealed = await readKept(state, keysFile);
  // Where nothing was begun there may be no identity either.
  const identity = sealed === undefined ? undefined : await readIdentity(state, identityFile);
  const keys = identity && (await keptKeys(state, identity));
  if (!keys) throw new KubekeepError('repository-missing', `${state.path} has no keys of a backup repository`, { hint: 'kubekeep backup init makes a repository and its keys.' });
  const repository = await openRepository(store, keys);
  await remember(state, repository);
  return { repository, identity, keys };
}

/** To write with a writer's keys alone, as hosts have them. */
export async function openAsWriter({ state }: Pick<Reader, 'state'>, store: Store, keys: WriterKeys): Promise<OpenAsWriter> {
  const repository = await openRepository(store, keys);
  await remember(state, repository);
  return { repository, keys };
}

/** Undefined where `backup init` has kept none. */
export async function keptKeys(state: StateFolder, identity: Secret): Promise<OwnerKeys | undefined> {
  const sealed = await readKept(state, keysFile);
  if (sealed === undefined) return undefined;
  return ownerKeysFromText(new TextDecoder().decode(await unwrap(Buffer.from(sealed, 'base64'), identity, keysFile)));
}

/** Keeps them for `keptKeys`, sealed to a recipient. */
export async function keepKeys(state: StateFolder, keys: OwnerKeys, recipient: string): Promise<void> {
  await keep(state, keysFile, `${Buffer.from(await encryptFor([recipient], ownerKeysToText(keys))).toString('base64')}\n`);
}

/** `owner`: not in notes of releases before. */
const seenSchema = z.object({ id: z.string(), owner: z.string().optional(), number: z.number(), hash: z.string() });
type Seen = z.output<typeof seenSchema>;

/** What was noted of the repository; undefined where nothing was. */
export async function readSeen(state: StateFolder): Promise<Seen | undefined> {
  const noted = await readKept(state, seenFile);
  return noted === undefined ? undefined : seenSchema.parse(JSON.parse(noted));
}

/** Notes the newest entry. A repository that does not have the one noted before was rolled back or exchanged: throws `repository-mismatch`. */
export async function remember(state: StateFolder, { id, ownerKey: owner, store, chain }: Repository): Promise<void> {
  const seen = await readSeen(state);
  const refuse = (how: string) => {
    throw new KubekeepError('repository-mismatch', `${store.place} is not as it was seen before: ${how}`, { hint: `Somebody put another or an older state there. To go on with what is there, remove ${state.path}/${seenFile}.` });
  };
  if (seen && seen.id !== id) refuse(`it was repository ${seen.id.slice(0, 12)} and is ${id.slice(0, 12)}`);
  // Who knows the secret of the repository could put a chain of their own behind the last entry that was seen.
  if (seen?.owner !== undefined && seen.owner !== owner) refuse(`its owner was ${seen.owner.slice(0, 12)} and is ${owner.slice(0, 12)}`);
  // Another command may have noted what came after this one had looked.
  if (seen && (chain.newest?.number ?? 0) < seen.number) await chain.refresh();
  const { newest } = chain;
  if (seen && newest?.hash !== seen.hash) {
    const there = (newest?.number ?? 0) < seen.number ? undefined : await chain.hashAt(seen.number);
    const cleanedUp = there === undefined && seen.number <= goesUpTo(chain);
    if (there !== seen.hash && !cleanedUp) refuse(`entry ${seen.number} of its chain is ${there === undefined ? 'gone' : 'another one'}`);
  }
  if (newest && (newest.number > (seen?.number ?? 0) || seen?.owner === undefined)) await keep(state, seenFile, `${JSON.stringify({ id, owner, number: newest.number, hash: newest.hash } satisfies Seen)}\n`);
}
