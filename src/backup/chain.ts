import { KubekeepError } from '../lib/errors.ts';
import { damaged, decryptObject, encryptObject, hashOf, type ObjectKey } from './format/encrypted-object.ts';
import { decodeEntry, encodeEntry, entryName, firstPrevious, isSignedBy, type ChainEntry, type EntryKind } from './format/chain-entry.ts';
import { owner, publicBytes, publicKeyOf, type SigningKey } from './repository-keys.ts';
import type { Store } from './store/store.ts';

export interface ReadEntry extends Omit<ChainEntry, 'body'> {
  readonly hash: string;
  /** JSON; none of an entry of unknown kind. What the entry carries besides (`payload`) is left out: it may be much. */
  readonly body: unknown;
}

/** The property of a body that stays in the store until it is asked for. */
type Carrier = { readonly payload?: unknown };

export interface Chain {
  /** All entries in their order, each checked against the one before it and its writer's key. */
  readonly entries: readonly ReadEntry[];
  /** Reads what others have appended meanwhile. */
  refresh(): Promise<void>;
  /** Throws `store-failed` where the newest entry that was read is not there any more: a place that is not mounted is empty. */
  present(): Promise<void>;
  /** What an entry carries, from the store. */
  payload(number: number): Promise<unknown>;
  /** Appends one after all that are there, however many write at once. `decide` is asked anew when somebody else was quicker; undefined appends nothing. */
  append(kind: EntryKind, key: SigningKey, decide: (entries: readonly ReadEntry[]) => unknown): Promise<ReadEntry | undefined>;
}

export interface ChainOptions {
  readonly store: Store;
  /** 32 hexadecimal digits. */
  readonly repository: string;
  readonly structure: ObjectKey;
  /** The owner's public key, 32 bytes in base64url. */
  readonly ownerKey: string;
}

interface WriterList {
  readonly writers: readonly { readonly id: string; readonly key: string; /** Number of the last entry that counts, where the writer is revoked. */ readonly until?: number }[];
}

/** Only the owner says who writes and for whom. */
const ownersKinds: ReadonlySet<string> = new Set(['writers', 'recipients', 'policy']);
const mostAttempts = 50;
const mostReads = 64;

/** The repository's only order: docs/design/repository-format.md, section 8. Throws `repository-damaged` where an entry is not what it should be. */
export async function openChain(options: ChainOptions): Promise<Chain> {
  const read: Read = { entries: [], writers: undefined };
  const { entries } = read;
  const readOn = async () => {
    // More at once each time: a store may be far, and a chain long.
    for (let count = 1; ; count = Math.min(mostReads, count * 2)) {
      const names = Array.from({ length: count }, (_, index) => entryName(entries.length + 1 + index));
      const found = await Promise.all(names.map(async (name) => ({ name, bytes: await options.store.read(name) })));
      for (const { name, bytes } of found) {
        if (!bytes) return;
        const entry = checked(Buffer.from(bytes), name, read, options);
        entries.push(entry);
        if (entry.kind === 'writers') read.writers = entry.body as WriterList;
      }
    }
  };
  // One after the other: a base and the log may be written at once.
  let reading = Promise.resolve();
  const refresh = () => (reading = reading.then(readOn, readOn));
  await refresh();
  const later = (await options.store.list('chain/')).find((name) => name > entryName(entries.length));
  if (later !== undefined) {
    // Perhaps it was written just now.
    await refresh();
    if (later > entryName(entries.length)) throw damaged(entryName(entries.length + 1), `it is missing, and ${later} is there`);
  }
  const same = async (number: number) => {
    const bytes = await options.store.read(entryName(number));
    return bytes && hashOf(bytes) === entries[number - 1]?.hash ? Buffer.from(bytes) : undefined;
  };
  const present = async () => {
    const last = entries.at(-1);
    if (last && !(await same(last.number))) throw new KubekeepError('store-failed', `${options.store.place} has lost ${entryName(last.number)}, which was there`, { hint: 'Is it mounted?' });
  };
  const payload = async (number: number) => {
    const name = entryName(number);
    const bytes = await same(number);
    if (!bytes) throw damaged(name, 'it is gone, or not what it was before');
    return bodyOf(decodeEntry(bytes, name), name, options).payload;
  };
  return { entries, refresh, present, payload, append: (kind, key, decide) => append({ read, refresh, present, kind, key, decide, ...options }) };
}

/** What was read so far, and whose signatures count now. */
interface Read {
  readonly entries: ReadEntry[];
  writers: WriterList | undefined;
}

interface Append extends ChainOptions, Pick<Chain, 'refresh' | 'present'> {
  readonly read: Read;
  readonly kind: EntryKind;
  readonly key: SigningKey;
  readonly decide: (entries: readonly ReadEntry[]) => unknown;
}

async function append({ read, refresh, present, kind, key, decide, store, repository, structure, ownerKey }: Append): Promise<ReadEntry | undefined> {
  const { entries } = read;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const content = decide(entries);
    if (content === undefined) return undefined;
    const number = entries.length + 1;
    if (keyOf({ writer: key.writer, kind, number }, read, ownerKey) !== publicBytes(key)) {
      throw new KubekeepError('repository-mismatch', `the keys of this computer may not add an entry of kind ${kind} to ${store.place}`, { hint: 'They were revoked, or are those of another repository.' });
    }
    const body = encryptObject(Buffer.from(JSON.stringify(content)), { repository: Buffer.from(repository, 'hex'), kind: 'entry' }, structure);
    const last = entries.at(-1);
    const bytes = encodeEntry({ number, previous: last?.hash ?? firstPrevious, epoch: last?.epoch ?? 0, writer: key.writer, catalog: 0, kind, body }, key.key);
    // An empty mount point takes any name.
    await present();
    const outcome = await store.create(entryName(number), bytes);
    await refresh();
    if (outcome === 'created' || entries[number - 1]?.hash === hashOf(bytes)) return entries[number - 1];
    if (entries.length < number) throw damaged(entryName(number), `it can neither be made nor read in ${store.place}`);
  }
  throw new KubekeepError('store-failed', `${mostAttempts} times another writer of ${store.place} was quicker`);
}

function checked(bytes: Buffer, name: string, read: Read, { repository, structure, ownerKey }: ChainOptions): ReadEntry {
  const entry = decodeEntry(bytes, name);
  const last = read.entries.at(-1);
  if (entry.previous !== (last?.hash ?? firstPrevious)) throw damaged(name, 'it does not follow on the entry before it');
  if (entry.epoch !== (last?.epoch ?? 0)) throw damaged(name, 'it belongs to another epoch than the entry before it');
  const key = keyOf(entry, read, ownerKey);
  if (key === undefined || !isSignedBy(bytes, publicKeyOf(key))) throw damaged(name, `it is not signed by a writer of this repository (${entry.writer})`);
  if (entry.kind === 'unknown') return { ...entry, body: undefined, hash: hashOf(bytes) };
  const { payload: _, ...body } = bodyOf(entry, name, { repository, structure });
  return { ...entry, body, hash: hashOf(bytes) };
}

function bodyOf(entry: ChainEntry, name: string, { repository, structure }: Pick<ChainOptions, 'repository' | 'structure'>): Carrier {
  return JSON.parse(decryptObject(entry.body, { repository: Buffer.from(repository, 'hex'), kind: 'entry', name }, structure).toString()) as Carrier;
}

/** The public key that an entry must be signed with; undefined where its writer may not write it. */
function keyOf({ writer, kind, number }: Pick<ChainEntry, 'writer' | 'kind' | 'number'>, { writers }: Read, ownerKey: string): string | undefined {
  if (writer === owner) return ownerKey;
  if (ownersKinds.has(kind)) return undefined;
  const found = writers?.writers.find(({ id }) => id === writer);
  return found && number <= (found.until ?? Infinity) ? found.key : undefined;
}
