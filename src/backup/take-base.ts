import { createHash, createHmac, randomBytes, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { openBolt, pageSizeIn, type BoltFile } from '../bolt/bolt-file.ts';
import { hashKvOf, revisionsOf } from '../bolt/key-space.ts';
import { encryptFor } from '../lib/age.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { ObjectKey } from './format/encrypted-object.ts';
import { encodePageTable, idLength, pagesOf, type PageTable } from './format/page-table.ts';
import { readPageTable } from './page-tables.ts';
import { baseOf, basesOf, type Base, type BaseBody } from './points.ts';
import type { SigningKey } from './repository-keys.ts';
import type { Repository } from './repository.ts';

/** Where a base comes from: one member, and all that can be asked whether it has the same data. */
export interface BaseSource {
  readonly timeline: string;
  readonly etcd: string;
  readonly member: string;
  /** etcd's Snapshot stream: the file, and behind it the 32 bytes of its SHA-256. */
  snapshot(): AsyncIterable<Uint8Array>;
  /** Every member's HashKV at a revision; undefined where it gives none. */
  hashes(revision: number): Promise<readonly { readonly member: string; readonly answer: { readonly hash: number; readonly compactRevision: number } | undefined }[]>;
}

export interface TakeOptions {
  readonly writer: SigningKey;
  /** Path of a file that is made, and gone at the end: the data as etcd has it. */
  readonly spool: string;
  /** ms since the epoch. */
  readonly now: number;
}

const packSize = 4 << 20;
const deepest = 31;
const wholeEvery = 7 * 86_400_000;
const trailerLength = 32;
/** Has both meta pages, however large pages are. */
const headLength = 2 * 65536;

/**
 * Takes a base. It is taken once this resolves: pages, table and entry are durable. Throws `data-damaged` where the stream is not what etcd sent, and where
 * most members have other data than the one it comes from; then the chain is as before.
 */
export async function takeBase(repository: Repository, source: BaseSource, { writer, spool, now }: TakeOptions): Promise<Base> {
  const parent = await parentFor(repository, source.timeline, now);
  const capture = randomBytes(16);
  const key: ObjectKey = { scope: 'data', capture, key: randomBytes(32) };
  const { recipients, generation } = repository.recipients;
  await repository.store.create(`captures/${capture.toString('hex')}.${generation}.age`, await encryptFor(recipients, key.key));
  const file = await open(spool, 'wx', 0o600);
  try {
    const pages = new PageWriter(repository, key, parent?.table);
    const { length, sha256 } = await flow(source, file, pages);
    const table = await pages.done();
    const bolt = readable(spool, length);
    try {
      const { current: revision, compacted } = revisionsOf(bolt.file);
      const hashes = await compared(source, bolt.file, revision);
      const stands = parent && parent.base.depth < deepest ? { hash: parent.base.table, table: parent.table } : undefined;
      const stored = await repository.put('table', encodePageTable(table, stands), repository.structure);
      const body: BaseBody = {
        timeline: source.timeline, revision, compacted, etcd: source.etcd, member: source.member, time: now, length, sha256, hashes,
        table: stored, depth: stands ? parent!.base.depth + 1 : 0, whole: !parent, capture: capture.toString('hex'), added: pages.added,
      };
      const entry = await repository.chain.append('base', writer, () => body);
      return baseOf(entry!);
    } finally {
      bolt.close();
    }
  } finally {
    await file.close();
    await rm(spool, { force: true });
  }
}

interface Parent {
  readonly base: Base;
  readonly table: PageTable;
}

/** The base whose pages need not be stored again; undefined where it is time for one that stands on nothing older. */
async function parentFor(repository: Repository, timeline: string, now: number): Promise<Parent | undefined> {
  const bases = basesOf(repository.chain).filter((base) => base.timeline === timeline);
  const [last, whole] = [bases.at(-1), bases.findLast((base) => base.whole)];
  if (!last || !whole || now - whole.time >= wholeEvery) return undefined;
  return { base: last, table: await readPageTable(repository, last.table) };
}

function idAt(ids: Uint8Array, page: number): string {
  return Buffer.from(ids.buffer, ids.byteOffset + page * idLength, idLength).toString('latin1');
}

/** Spools the stream and cuts it into pages while it flows. Resolves to what etcd says it is. */
async function flow(source: BaseSource, file: FileHandle, pages: PageWriter): Promise<{ readonly length: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let pending = Buffer.alloc(0);
  let length = 0;
  const take = async (ready: number) => {
    if (ready === 0) return;
    length += await taken(pending.subarray(0, ready), { hash, file, pages });
    pending = pending.subarray(ready);
  };
  for await (const piece of source.snapshot()) {
    pending = Buffer.concat([pending, piece]);
    // The trailer may come in any pieces: its length stays behind until the end.
    const most = pending.length - trailerLength;
    if (length > 0 || most >= headLength) await take(pages.whole(pending, most));
  }
  // A young file is shorter.
  if (length === 0 && pending.length > trailerLength) await take(pages.whole(pending, pending.length - trailerLength));
  const rest = pending.length - trailerLength;
  if (rest !== 0 || length === 0) throw new KubekeepError('data-damaged', `etcd on ${source.member} sent ${length + Math.max(0, rest)} bytes, which are no whole pages`);
  const sha256 = hash.digest('hex');
  if (pending.toString('hex') !== sha256) throw new KubekeepError('data-damaged', `the snapshot of etcd on ${source.member} is not what etcd sent: its SHA-256 differs`, { hint: 'Run the command again.' });
  return { length, sha256 };
}

async function taken(bytes: Buffer, { hash, file, pages }: { readonly hash: Hash; readonly file: FileHandle; readonly pages: PageWriter }): Promise<number> {
  hash.update(bytes);
  await file.writeFile(bytes);
  await pages.add(bytes);
  return bytes.length;
}

/** Gives each page an id and stores those that are new, 4 MiB at a time. */
class PageWriter {
  readonly #repository: Repository;
  readonly #key: ObjectKey;
  readonly #parent: PageTable | undefined;
  /** Where in the parent a page of that id stands. */
  readonly #known = new Map<string, number>();
  readonly #ids: Buffer[] = [];
  readonly #places: (readonly [pack: number, slot: number])[] = [];
  readonly #packs: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  readonly #here = new Map<string, readonly [pack: number, slot: number]>();
  #waiting: Buffer[] = [];
  #openPack = -1;
  #pageSize = 0;
  added = 0;

  constructor(repository: Repository, key: ObjectKey, parent: PageTable | undefined) {
    this.#repository = repository;
    this.#key = key;
    this.#parent = parent;
    for (let page = 0; parent && page < pagesOf(parent); page++) this.#known.set(idAt(parent.ids, page), page);
  }

  /** How many of the first `most` bytes are whole pages; the first ones say how large a page is. */
  whole(bytes: Buffer, most: number): number {
    if (this.#pageSize === 0) this.#pageSize = pageSizeIn(bytes);
    return Math.max(0, most - (most % this.#pageSize));
  }

  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += this.#pageSize) {
      const page = bytes.subarray(at, at + this.#pageSize);
      const bytesOfId = createHmac('sha256', this.#repository.pageId).update(page).digest().subarray(0, idLength);
      const id = bytesOfId.toString('latin1');
      this.#ids.push(bytesOfId);
      this.#places.push(this.#placeOf(id) ?? this.#wait(id, page));
      if (this.#waiting.length * this.#pageSize >= packSize) await this.#store();
    }
  }

  async done(): Promise<PageTable> {
    await this.#store();
    return {
      pageSize: this.#pageSize,
      ids: Buffer.concat(this.#ids),
      pack: Uint32Array.from(this.#places, ([pack]) => pack),
      slot: Uint32Array.from(this.#places, ([, slot]) => slot),
      packs: this.#packs,
    };
  }

  #placeOf(id: string): readonly [pack: number, slot: number] | undefined {
    const known = this.#known.get(id);
    if (known === undefined || !this.#parent) return this.#here.get(id);
    const pack = this.#parent.packs[this.#parent.pack[known]!]!;
    return [this.#packNumbers.get(pack) ?? this.#newPack(pack), this.#parent.slot[known]!];
  }

  #newPack(hash: string): number {
    const number = this.#packs.push(hash) - 1;
    if (hash !== '') this.#packNumbers.set(hash, number);
    return number;
  }

  #wait(id: string, page: Buffer): readonly [pack: number, slot: number] {
    if (this.#openPack < 0) this.#openPack = this.#newPack('');
    const place = [this.#openPack, this.#waiting.push(page) - 1] as const;
    this.#here.set(id, place);
    this.added += page.length;
    return place;
  }

  async #store(): Promise<void> {
    if (this.#openPack < 0) return;
    this.#packs[this.#openPack] = await this.#repository.put('pack', Buffer.concat(this.#waiting), this.#key);
    this.#waiting = [];
    this.#openPack = -1;
  }
}

function readable(path: string, size: number): { readonly file: BoltFile; close(): void } {
  const handle = openSync(path, 'r');
  const read = (offset: number, length: number) => {
    const bytes = Buffer.alloc(length);
    if (readSync(handle, bytes, 0, length, offset) !== length) throw new KubekeepError('data-damaged', `${path} ends too early`);
    return bytes;
  };
  return { file: openBolt({ size, read }), close: () => closeSync(handle) };
}

/** Verdicts on all members. Throws where most of those that answer have other data than the file. */
async function compared(source: BaseSource, file: BoltFile, revision: number): Promise<BaseBody['hashes']> {
  const own = new Map<number, number>();
  const verdicts = (await source.hashes(revision)).map(({ member, answer }) => {
    if (!answer) return { member, verdict: 'not reached' as const };
    const mine = own.get(answer.compactRevision) ?? hashKvOf(file, revision, answer.compactRevision);
    own.set(answer.compactRevision, mine);
    return { member, verdict: mine === answer.hash ? ('equal' as const) : ('different' as const) };
  });
  const count = (wanted: string) => verdicts.filter(({ verdict }) => verdict === wanted).length;
  const other = verdicts.filter(({ verdict }) => verdict === 'different').map(({ member }) => member);
  if (other.includes(source.member) || count('different') > count('equal')) {
    throw new KubekeepError('data-damaged', `what etcd on ${source.member} sent differs at revision ${revision} from what ${other.join(' and ')} say they have`, { hint: 'kubekeep status shows which member is wrong. Nothing was added to the chain.' });
  }
  return verdicts;
}
