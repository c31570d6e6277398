import { KubekeepError } from '../lib/errors.ts';
import { Catalogs, type LogMerge } from './catalogs.ts';
import { damaged, encryptObject, hashOf } from './format/encrypted-object.ts';
import { decodeEntry, encodeEntry, entryName, firstPrevious, isEntryName, type EntryKind } from './format/chain-entry.ts';
import { bodyOf, keyOf, readEntry, type EntryContext, type ReadEntry, type WriterList } from './read-entry.ts';
import { publicBytes, type SigningKey } from './repository-keys.ts';
import { goesUpTo, withoutRetired } from './retention/retired.ts';
import type { Store } from './store/store.ts';

export interface Chain {
  /** What is alive, in the order of its numbers, each checked. What a catalog has merged or leaves out has left a gap. */
  readonly entries: readonly ReadEntry[];
  /** The last entry, of whatever kind. */
  readonly newest: EntryName | undefined;
  /** Up to which entry the newest catalog says what is alive; 0 where there is none. */
  readonly catalogued: number;
  /** Reads what others have appended meanwhile. */
  refresh(): Promise<void>;
  /** Reads all anew where what comes next was cleaned up meanwhile. Throws `store-failed` where the newest entry that was read is not there any more: a place that is not mounted is empty. */
  present(): Promise<void>;
  /** Of the entry with that number; undefined where there is none. */
  hashAt(number: number): Promise<string | undefined>;
  /** What an entry carries, from the store. */
  payload(number: number): Promise<unknown>;
  /** Appends one after all that are there, however many write at once. `decide` is asked anew when somebody else was quicker; undefined appends nothing. */
  append(kind: EntryKind, key: SigningKey, decide: (entries: readonly ReadEntry[]) => unknown): Promise<ReadEntry | undefined>;
  /** Says anew what is alive, so that readers begin there: with merged segments in the place of their pieces. Appends nothing where somebody else did so meanwhile. */
  catalog(key: SigningKey, merges: readonly LogMerge[]): Promise<void>;
}

export interface EntryName {
  readonly number: number;
  /** SHA-256 of its bytes in hexadecimal digits. */
  readonly hash: string;
}

export interface ChainOptions extends EntryContext {
  readonly store: Store;
}

const mostAttempts = 50;
const mostReads = 64;
/** Bytes of entries that are read at once, as far as those before say how large the next ones are. */
const mostBytes = 16 << 20;
/** Holds the number of a recent catalog: a hint, which is tried and not believed. */
const head = 'head';

/** The repository's only order: docs/design/repository-format.md, section 8. Throws `repository-damaged` where an entry is not what it should be. */
export async function openChain(options: ChainOptions): Promise<Chain> {
  const chain = new OpenChain(options);
  await chain.open();
  return chain;
}

class OpenChain implements Chain {
  readonly #options: ChainOptions;
  #catalogs: Catalogs;
  #entries: ReadEntry[] = [];
  #newest: EntryName | undefined;
  #writers: WriterList | undefined;
  /** Number of the newest catalog, and up to where it says what there is. */
  #catalog = { number: 0, upTo: 0 };
  /** One after the other: a base and the log may be written at once. */
  #reading: Promise<void> = Promise.resolve();

  constructor(options: ChainOptions) {
    this.#options = options;
    this.#catalogs = new Catalogs(options);
  }

  get entries(): readonly ReadEntry[] {
    return this.#entries;
  }

  get newest(): EntryName | undefined {
    return this.#newest;
  }

  get catalogued(): number {
    return this.#catalog.upTo;
  }

  async open(): Promise<void> {
    await this.#beginAtCatalog();
    await this.refresh();
    const later = (await this.#options.store.list('chain/', entryName(this.#newest?.number ?? 0))).filter(isEntryName);
    const last = later.at(-1);
    if (last === undefined) return;
    // Perhaps they were written just now.
    await this.refresh();
    const read = this.#newest?.number ?? 0;
    if (entryName(read) >= last) return;
    throw new KubekeepError('repository-damaged', `${entryName(read + 1)}: it is missing, and ${later.find((name) => name > entryName(read))} is there`, {
      hint: 'A copy of the place may still have it. docs/guides/recover-without-kubekeep.md reads bases on both sides of the gap.',
    });
  }

  refresh(): Promise<void> {
    return this.#inTurn(() => this.#readOn());
  }

  async present(): Promise<void> {
    const last = this.#newest;
    if (!last) return;
    const [hash, hint] = await Promise.all([this.hashAt(last.number), this.#hint()]);
    if (hash !== undefined && hash !== last.hash) throw this.#lost(last.number);
    if (hash !== undefined && hint <= last.number) return;
    await this.refresh();
    if (this.#newest !== last) return this.present();
    if (hash !== undefined && !(await this.#catalogAt(hint))) return;
    await this.#inTurn(() => this.#readAnew(last, hash === undefined ? last.number : last.number + 1));
  }

  async hashAt(number: number): Promise<string | undefined> {
    const bytes = await this.#options.store.read(entryName(number));
    return bytes && hashOf(bytes);
  }

  async payload(number: number): Promise<unknown> {
    const name = entryName(number);
    const bytes = await this.#options.store.read(name);
    if (!bytes || hashOf(bytes) !== this.#entries.find((entry) => entry.number === number)?.hash) throw damaged(name, 'it is gone, or not what it was before');
    return bodyOf(decodeEntry(Buffer.from(bytes), name), name, this.#options).payload;
  }

  async append(kind: EntryKind, key: SigningKey, decide: (entries: readonly ReadEntry[]) => unknown): Promise<ReadEntry | undefined> {
    const { store } = this.#options;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      // An empty mount point takes any name.
      await this.present();
      const content = decide(this.#entries);
      if (content === undefined) return undefined;
      const number = (this.#newest?.number ?? 0) + 1;
      const bytes = this.#encoded({ kind, number, key, content });
      if ((await store.create(entryName(number), bytes)) === 'created') await this.#inTurn(() => this.#take(number, bytes));
      else await this.refresh();
      const there = this.#entries.findLast((entry) => entry.number === number);
      if (there?.hash === hashOf(bytes)) return there;
      if ((this.#newest?.number ?? 0) < number) throw damaged(entryName(number), `it can neither be made nor read in ${store.place}`);
    }
    throw new KubekeepError('store-failed', `${mostAttempts} times another writer of ${store.place} was quicker`);
  }

  async catalog(key: SigningKey, merges: readonly LogMerge[]): Promise<void> {
    const before = this.#catalog.number;
    const [newest, entries] = [this.#newest, this.#entries];
    if (!newest) return;
    const lists = await this.#catalogs.write(entries, merges);
    const made = await this.append('catalog', key, (now) => {
      const overtaken = this.#catalog.number !== before || now.some((entry) => entry.number > newest.number && isCleanUp(entry));
      return overtaken ? undefined : { upTo: newest.number, hash: newest.hash, lists };
    });
    if (made) await this.#options.store.overwrite(head, Buffer.from(`${made.number}\n`));
  }

  #encoded({ kind, number, key, content }: { readonly kind: EntryKind; readonly number: number; readonly key: SigningKey; readonly content: unknown }): Buffer {
    const { store, repository, structure, ownerKey } = this.#options;
    if (keyOf({ writer: key.writer, kind, number }, this.#writers, ownerKey) !== publicBytes(key)) {
      throw new KubekeepError('repository-mismatch', `the keys of this computer may not add an entry of kind ${kind} to ${store.place}`, { hint: 'They were revoked, or are those of another repository.' });
    }
    const body = encryptObject(Buffer.from(JSON.stringify(content)), { repository: Buffer.from(repository, 'hex'), kind: 'entry' }, structure);
    return encodeEntry({ number, previous: this.#newest?.hash ?? firstPrevious, epoch: 0, writer: key.writer, catalog: this.#catalog.number, kind, body }, key.key);
  }

  /** As who opens it now, where the owner had `missing` removed after `last` was read: a piece of the log may stay when all after it goes. */
  async #readAnew(last: EntryName, missing: number): Promise<void> {
    if (this.#newest !== last) return;
    const anew = new OpenChain(this.#options);
    await anew.open();
    if (goesUpTo(anew) < missing) throw this.#lost(missing);
    this.#catalogs = anew.#catalogs;
    this.#entries = anew.#entries;
    this.#newest = anew.#newest;
    this.#writers = anew.#writers;
    this.#catalog = anew.#catalog;
  }

  #lost(number: number): KubekeepError {
    return new KubekeepError('store-failed', `${this.#options.store.place} has lost ${entryName(number)}, which was there`, { hint: 'Is it mounted?' });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#reading = this.#reading.then(work, work);
    return this.#reading;
  }

  /** More at once each time: a store may be far, and a chain long. */
  async #readOn(): Promise<void> {
    for (let count = 1; ; ) {
      const first = (this.#newest?.number ?? 0) + 1;
      const found = await Promise.all(Array.from({ length: count }, (_, index) => this.#options.store.read(entryName(first + index))));
      for (const [index, bytes] of found.entries()) {
        if (!bytes) return;
        await this.#take(first + index, Buffer.from(bytes));
      }
      const largest = Math.max(...found.map((bytes) => bytes?.length ?? 0));
      count = Math.max(1, Math.min(mostReads, count * 2, Math.floor(mostBytes / largest)));
    }
  }

  /** The next one; nothing where it was read already. */
  async #take(number: number, bytes: Buffer): Promise<void> {
    if (number <= (this.#newest?.number ?? 0)) return;
    const name = entryName(number);
    const { previous, epoch, ...entry } = readEntry(bytes, name, this.#writers, this.#options);
    if (previous !== (this.#newest?.hash ?? firstPrevious)) throw damaged(name, 'it does not follow on the entry before it');
    if (epoch !== 0) throw damaged(name, 'it belongs to an epoch, and there are none');
    if (entry.kind === 'writers') this.#writers = entry.body as WriterList;
    if (entry.kind === 'catalog') await this.#apply(entry);
    if (isCleanUp(entry)) this.#entries = [...withoutRetired(this.#entries, entry)];
    this.#entries.push(entry);
    this.#newest = { number, hash: entry.hash };
  }

  async #apply(entry: ReadEntry): Promise<void> {
    const { upTo, entries } = await this.#catalogs.read(entry);
    if (upTo < this.#catalog.upTo || upTo >= entry.number) throw damaged(entryName(entry.number), `its catalog ends at entry ${upTo}`);
    const [before, after] = [this.#entries.filter(({ number }) => number <= upTo), this.#entries.filter(({ number, kind }) => number > upTo && kind !== 'catalog')];
    this.#catalogs.refuseFalse(entry, before, entries);
    this.#entries = [...entries, ...after];
    this.#catalog = { number: entry.number, upTo };
  }

  /** A reader need not walk what a catalog says. One that cannot be had costs the walk and nothing else. */
  async #beginAtCatalog(): Promise<void> {
    const entry = (await this.#catalogAt(await this.#hint())) ?? (await this.#catalogAt(await this.#newestByList()));
    if (!entry) return;
    const { upTo, hash, entries, writers } = await this.#catalogs.read(entry);
    this.#entries = [...entries];
    this.#writers = writers;
    this.#catalog = { number: 0, upTo };
    // The catalog itself comes again on the way from there, and its signature is looked at then.
    this.#newest = { number: upTo, hash };
  }

  async #hint(): Promise<number> {
    // One that cannot be read is one that is not there: a store that is away says so again.
    const bytes = await this.#options.store.read(head).catch(unreadable);
    return bytes ? Number(/^[1-9]\d{0,14}(?=\n$)/.exec(Buffer.from(bytes).toString())?.[0] ?? 0) : 0;
  }

  async #newestByList(): Promise<number> {
    const name = (await this.#options.store.list('chain/')).findLast(isEntryName);
    const bytes = name === undefined ? undefined : await this.#options.store.read(name);
    const newest = bytes && decodeEntry(Buffer.from(bytes), name!);
    return (newest?.kind === 'catalog' ? newest.number : newest?.catalog) ?? 0;
  }

  async #catalogAt(number: number): Promise<ReadEntry | undefined> {
    const bytes = number === 0 ? undefined : await this.#options.store.read(entryName(number));
    if (!bytes) return undefined;
    const entry = decodeEntry(Buffer.from(bytes), entryName(number));
    if (entry.kind !== 'catalog') return undefined;
    return { number, writer: entry.writer, kind: entry.kind, hash: hashOf(bytes), body: bodyOf(entry, entryName(number), this.#options) };
  }
}

function isCleanUp({ kind }: ReadEntry): boolean {
  return kind === 'retire' || kind === 'removed';
}

function unreadable(error: unknown): undefined {
  if (!(error instanceof KubekeepError && error.code === 'store-failed')) throw error;
}
