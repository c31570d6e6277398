import { z } from 'zod';
import { encryptFor } from '../lib/age.ts';
import { KubekeepError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';
import { openChain, type Chain } from './chain.ts';
import { damaged, type ObjectKey } from './format/encrypted-object.ts';
import type { StoredKind } from './format/object-name.ts';
import { getObject, putObject } from './objects.ts';
import { deriveKeys, publicBytes, unwrapKey, type DerivedKeys, type OwnerKeys, type WriterKeys } from './repository-keys.ts';
import { allOf, nextRecipients, recipientsIn, sameLists, type Recipients } from './recipients.ts';
import type { Store } from './store/store.ts';

/** An open repository: its chain, and objects under names that are their hashes. */
export interface Repository extends DerivedKeys {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** 32 bytes in base64url. */
  readonly ownerKey: string;
  readonly store: Store;
  readonly chain: Chain;
  /** As the chain says now. */
  readonly recipients: Recipients;
  /** Encrypts, stores, and gives the hash that the object is named by. */
  put(kind: StoredKind, plain: Uint8Array, key: ObjectKey): Promise<string>;
  /** Throws `repository-damaged` where the object is missing or not what was written. `keyFor` is given the object's capture. */
  get(kind: StoredKind, hash: string, keyFor: (capture: string) => ObjectKey | Promise<ObjectKey>): Promise<Buffer>;
}

const marker = 'kubekeep-repository';
const trial = 'keys/trial';
const nobody = { recipients: [], escrow: [] };
const markerSchema = z.object({ format: z.number(), id: z.string().regex(/^[0-9a-f]{32}$/), owner: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
type Marker = z.output<typeof markerSchema>;

export interface CreateOptions {
  readonly keys: OwnerKeys;
  /** An earlier attempt with these keys did not come to its end: what it left is gone over once more. */
  readonly begun: boolean;
  /** Is called before anything is written that needs the keys. */
  readonly keep: () => Promise<void>;
  /** Who can read what is sealed; default: the recipients. */
  readonly escrow?: readonly string[];
  /** ms since the epoch; default: unknown. */
  readonly now?: number;
}

/**
 * Makes a repository in an empty place; it is one once its marker is there, which is written last. Throws `repository-exists`, and `store-failed` where the
 * place does not refuse a name that is taken; `identity-missing` where a recipient is none: then nothing was written or kept.
 */
export async function createRepository(store: Store, recipients: readonly string[], { keys, begun, keep, escrow = recipients, now = 0 }: CreateOptions): Promise<void> {
  const names = (await store.list('')).filter((name) => name !== trial);
  if (begun && names.includes(marker) && (await readMarker(store)).id === keys.repository) return;
  if (names.includes(marker) || (names.length > 0 && !begun)) {
    throw new KubekeepError('repository-exists', `${store.place} is not empty`, { hint: 'Choose another place, or look at what is there: kubekeep backup list.' });
  }
  const first = nextRecipients(undefined, { recipients, escrow }, now);
  const wrapped = await encryptFor(allOf(first), Buffer.from(keys.secret.reveal(), 'base64'));
  await refuseUnfit(store);
  await keep();
  await store.remove(keysName(1));
  await createNew(store, keysName(1), wrapped);
  const { repository, ownerKey, owner, writer } = keys;
  const chain = await openChain({ store, repository, ownerKey, structure: deriveKeys(keys.secret, repository).structure });
  await chain.append('recipients', owner, (entries) => (sameLists(recipientsIn(entries) ?? nobody, first) ? undefined : first));
  await chain.append('writers', owner, (entries) => (entries.some(({ kind }) => kind === 'writers') ? undefined : { writers: [{ id: writer.writer, key: publicBytes(writer) }] }));
  await createNew(store, marker, Buffer.from(`${JSON.stringify({ format: 1, id: repository, owner: ownerKey } satisfies Marker)}\n`));
}

async function createNew(store: Store, name: string, bytes: Uint8Array): Promise<void> {
  if ((await store.create(name, bytes)) === 'created') return;
  throw new KubekeepError('repository-exists', `somebody else made ${name} in ${store.place} meanwhile`, { hint: 'Choose another place, or look at what is there: kubekeep backup list.' });
}

/** With the keys of a writer. Throws `repository-missing`, `repository-mismatch`, `repository-damaged`. */
export async function openRepository(store: Store, keys: Pick<WriterKeys, 'repository' | 'secret' | 'ownerKey'>): Promise<Repository> {
  const marked = await readMarker(store);
  if (marked.id !== keys.repository || marked.owner !== keys.ownerKey) {
    throw new KubekeepError('repository-mismatch', `${store.place} holds repository ${nameOf(marked.id, marked.owner)}, and this cluster writes to ${nameOf(keys.repository, keys.ownerKey)}`, { hint: 'Check spec.backup.repository in the cluster file.' });
  }
  return openMarked(store, marked, keys.secret);
}

/** With the identity of a recipient alone: whose repository it is says the place itself, so compare `id` with what is known of it. */
export async function openRepositoryAs(store: Store, identity: Secret): Promise<Repository> {
  const marked = await readMarker(store);
  return openMarked(store, marked, await secretFor(store, identity));
}

async function openMarked(store: Store, { id, owner: ownerKey }: Marker, secret: Secret): Promise<Repository> {
  const derived = deriveKeys(secret, id);
  const chain = await openChain({ store, repository: id, ownerKey, structure: derived.structure });
  if (!recipientsIn(chain.entries)) throw damaged('chain', `no entry says for whom ${store.place} is written`);
  const place = { store, repository: id };
  return {
    id,
    ownerKey,
    store,
    chain,
    get recipients() {
      return recipientsIn(chain.entries)!;
    },
    ...derived,
    put: (kind, plain, key) => putObject(place, kind, plain, key),
    get: (kind, hash, keyFor) => getObject(place, kind, hash, keyFor),
  };
}

/** From the newest copy that opens: while recipients are changed there is more than one. */
async function secretFor(store: Store, identity: Secret): Promise<Secret> {
  const generations = (await store.list('keys/')).map((name) => Number(/^keys\/(\d+)\.age$/.exec(name)?.[1])).filter(Number.isSafeInteger);
  const failures: KubekeepError[] = [];
  for (const generation of [...new Set([...generations, 1])].sort((one, other) => other - one)) {
    const name = keysName(generation);
    const wrapped = await store.read(name);
    try {
      if (wrapped) return await secretIn(wrapped, identity, name);
    } catch (error) {
      if (!(error instanceof KubekeepError)) throw error;
      failures.push(error);
    }
  }
  throw failures[0] ?? damaged(keysName(1), `it is missing in ${store.place}`);
}

async function secretIn(wrapped: Uint8Array, identity: Secret, name: string): Promise<Secret> {
  return new Secret(Buffer.from(await unwrapKey(wrapped, identity, name)).toString('base64'));
}

/** Where the repository's secret lies, wrapped for the recipients of a generation. */
export function keysName(generation: number): string {
  return `keys/${generation}.age`;
}

/** Throws `repository-damaged` and `identity-missing` where an identity alone does not open the repository. */
export async function opensWith({ id, store, recipients, pageId }: Repository, identity: Secret): Promise<void> {
  // A change of recipients that was cut off has left the one before.
  for (let at = recipients.generation; at > 0; at--) {
    const name = keysName(at);
    const wrapped = await store.read(name);
    if (!wrapped) continue;
    if (!Buffer.from(deriveKeys(await secretIn(wrapped, identity, name), id).pageId).equals(pageId)) throw damaged(name, 'it holds the secret of another repository');
    return;
  }
  throw damaged(keysName(recipients.generation), `it is missing in ${store.place}`);
}

/** For sentences: an exchanged repository may have the id of the right one. */
function nameOf(id: string, ownerKey: string): string {
  return `${id.slice(0, 12)} of owner ${ownerKey.slice(0, 12)}`;
}

async function readMarker(store: Store): Promise<Marker> {
  const bytes = await store.read(marker);
  if (!bytes) throw new KubekeepError('repository-missing', `there is no backup repository in ${store.place}`, { hint: 'kubekeep backup init makes one.' });
  const read = markerSchema.safeParse(json(bytes));
  if (!read.success) throw damaged(marker, 'it is not what kubekeep writes');
  if (read.data.format !== 1) throw new KubekeepError('repository-mismatch', `${store.place} has format ${read.data.format}, and this release knows format 1`, { hint: 'Use a newer kubekeep.' });
  return read.data;
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

/** A store that takes a name twice would lose entries when two write at once. */
async function refuseUnfit(store: Store): Promise<void> {
  await store.create(trial, Buffer.from('1'));
  const again = await store.create(trial, Buffer.from('2'));
  const kept = await store.read(trial);
  await store.remove(trial);
  if (again === 'exists' && kept && Buffer.from(kept).toString() === '1') return;
  throw new KubekeepError('store-failed', `${store.place} lets a name be written twice, so two writers would lose each other's entries`, { hint: 'Use a folder, or an S3 server that obeys If-None-Match. That of Ceph 16 does so only in a bucket without versions.' });
}
