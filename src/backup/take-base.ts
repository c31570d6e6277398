import { openBolt } from '../bolt/bolt-file.ts';
import { revisionsOf, type Revisions } from '../bolt/key-space.ts';
import { KubekeepError } from '../lib/errors.ts';
import { appendBaseHashes } from './append-base-hashes.ts';
import { storeBundle, type BundleRef, type StoredBundle } from './bundle.ts';
import { appendUnder, newCapture, type Capture } from './captures.ts';
import { compareMembers, divergence, type HashOfFile, type MemberAnswer } from './compare-members.ts';
import { encodePageTable, type PageTable } from './format/page-table.ts';
import { readParentIndex, storeIndex, type ParentIndex } from './key-index.ts';
import { readPageTable } from './page-tables.ts';
import { storePages } from './page-writer.ts';
import { baseOf, basesOf, capturesOf, type Base, type BaseBody } from './points.ts';
import type { ReadEntry } from './read-entry.ts';
import type { SigningKey } from './repository-keys.ts';
import type { Repository } from './repository.ts';
import { grace } from './retention/clean-up.ts';
import { spoolSnapshot, type HashedSpool } from './spool.ts';
import { appendUnsaid } from './timelines.ts';

/** Where a base comes from: one member, and all that can be asked whether it has the same data. */
export interface BaseSource {
  readonly timeline: string;
  readonly etcd: string;
  readonly member: string;
  /** A linearizable read at the member has just succeeded. */
  readonly quorum: boolean;
  /** etcd's Snapshot stream: the file, and behind it the 32 bytes of its SHA-256. */
  snapshot(): AsyncIterable<Uint8Array>;
  /** Every member's HashKV at a revision, asked for once more where it has not compacted as far as the file. */
  hashes(revisions: Revisions): Promise<readonly MemberAnswer[]>;
}

export interface TakeOptions {
  readonly writer: SigningKey;
  /** Folder on a disk of this computer, with room for the whole file. */
  readonly spoolFolder: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** What is sealed for escrow beside the data; without it what was sealed last stays beside it. */
  readonly bundle?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told as soon as a base is taken: pages, table and entry are durable. */
  readonly onTaken?: ((base: Base) => void) | undefined;
}

const deepest = 31;
const wholeEvery = 7 * 86_400_000;
/** ms from the beginning of a base to its entry: what nothing names for the grace may be cleaned up. */
const longest = grace - 3_600_000;

/**
 * Takes a base, then compares members with it and says what they said. Throws `store-failed` where it took nearly as long as clean-up waits: no entry names it then. Throws `data-damaged` where the stream is not what etcd sent: then nothing was stored. And where most members have other data than
 * the one it comes from: then it is in the chain as one that has diverged. Whatever else goes wrong once it is taken leaves it taken.
 */
export async function takeBase(repository: Repository, source: BaseSource, options: TakeOptions): Promise<Base> {
  // First of all, so that etcd sends nothing for a store that cannot be written.
  const key = await newCapture(repository);
  for (let last = false; ; last = true) {
    const begun = options.now();
    await repository.chain.refresh();
    // Read while the snapshot comes.
    const parent = parentFor(repository, { timeline: source.timeline, member: source.member, writer: options.writer, time: options.now() });
    parent.catch(() => {});
    await using spool = await spoolSnapshot(options.spoolFolder, { member: source.member, stream: source.snapshot(), now: options.now, idKey: repository.pageId });
    const revisions = revisionsOf(openBolt(spool));
    const entry = await store(repository, source, { key, spool, revisions, begun, parent: await parent, ...options });
    options.onTaken?.(baseOf(entry));
    const hashOf = ownHashes(spool, revisions, options.signal);
    const answers = await source.hashes(revisions);
    const hashes = await compareMembers(revisions, answers, hashOf);
    const base = baseOf(entry, [...hashes]);
    await appendBaseHashes(repository.chain, base, hashes, options.writer);
    if (base.diverged) throw new KubekeepError('data-damaged', divergence(base), { hint: `kubekeep status shows which member is wrong. Base ${base.number} was stored before they were asked; nothing is restored from it.` });
    // Members were compacted past the snapshot while it came. A new one is quicker than they are, nearly always.
    if (last || base.hashChecked || !answers.some(({ answer }) => answer === 'compacted')) return base;
  }
}

/** What the members hash at this very time is hashed here too: they are compacted as far as the file, nearly always. */
function ownHashes(spool: HashedSpool, { current, compacted }: Revisions, signal: AbortSignal | undefined): HashOfFile {
  const likely = spool.hashKv(current, compacted, signal);
  // Where it is needed, whoever waits for it is told.
  likely.catch(() => {});
  return (wanted) => (wanted === compacted ? likely : spool.hashKv(current, wanted, signal));
}

interface Taken extends TakeOptions {
  readonly key: Capture;
  readonly spool: HashedSpool;
  readonly revisions: Revisions;
  readonly parent: Parent | undefined;
  /** ms since the epoch: before anything of it was stored, and before the chain was read that has its parent. */
  readonly begun: number;
}

async function store(repository: Repository, { timeline, etcd, member, quorum }: BaseSource, { key, spool, revisions, parent, begun, writer, now, bundle: content, signal }: Taken): Promise<ReadEntry> {
  const { time, pageSize, ids } = spool;
  if (spool.size % pageSize !== 0) throw new KubekeepError('data-damaged', `the file of etcd on ${member} has ${spool.size} bytes, which are no whole pages of ${pageSize}`);
  const stands = parent && parent.base.depth < deepest ? { hash: parent.base.table, table: parent.table } : undefined;
  // Each of them is durable before the entry that names them, in whatever order.
  const pages = async () => {
    const { table, added } = await storePages(repository, spool, { pageSize, ids, key, parent: parent?.table, signal });
    return { added, table: await repository.put('table', encodePageTable(table, stands), repository.structure) };
  };
  const [keys, found, keysBeside] = await Promise.allSettled([storeIndex(repository, spool, { key, parent: stands && parent!.index }), pages(), sealed(repository, content)]);
  const [index, { table, added }, bundle] = [settled(keys), settled(found), settled(keysBeside)];
  const capture = Buffer.from(key.capture).toString('hex');
  const before = parent ? capturesOf(parent.base) : [];
  const body: BaseBody = {
    timeline, revision: revisions.current, compacted: revisions.compacted, etcd, member, quorum, time, length: spool.size, sha256: spool.sha256,
    table, bundle: bundle.ref,
    depth: stands ? parent!.base.depth + 1 : 0, whole: !parent, capture, ...(before && { captures: [...before, capture] }), added, index,
  };
  // A computer may have slept meanwhile.
  const inTime = () => {
    const took = Math.abs(now() - begun);
    if (took > longest) throw new KubekeepError('store-failed', `the base of etcd on ${member} took ${Math.floor(took / 3_600_000)} hours: what it stored first may be cleaned up by now`, { hint: 'kubekeep backup run takes another one.' });
  };
  inTime();
  await appendUnsaid(repository, writer, { timeline, time, first: revisions.current });
  const entry = await appendUnder(repository, [key, ...bundle.captures], 'base', writer, () => {
    inTime();
    return body;
  });
  return entry!;
}

/** Who has nothing to seal names what was sealed last, or it would go with the base that has it. */
async function sealed(repository: Repository, content: Uint8Array | undefined): Promise<Pick<StoredBundle, 'captures'> & { readonly ref: BundleRef | undefined }> {
  const bundles = basesOf(repository.chain).flatMap((base) => base.bundle ?? []);
  return content ? await storeBundle(repository, content, bundles) : { ref: bundles.at(-1), captures: [] };
}

/** Of work that ended altogether, also where one part fails: the spool must not be closed below another that reads it. */
function settled<T>(part: PromiseSettledResult<T>): T {
  if (part.status === 'rejected') throw part.reason;
  return part.value;
}

interface Parent {
  readonly base: Base;
  readonly table: PageTable;
  readonly index: ParentIndex | undefined;
}

interface Heir {
  readonly timeline: string;
  readonly member: string;
  readonly writer: SigningKey;
  readonly time: number;
}

/**
 * The base whose pages need not be stored again; undefined where it is time for one that stands on nothing older. Only the writer's own are trusted: another's
 * table could name packs that do not have what it says, which nobody who cannot read them would notice. Pages are what their ids say also in a base that has diverged: the next one from that member has most of them.
 */
async function parentFor(repository: Repository, { timeline, member, writer, time }: Heir): Promise<Parent | undefined> {
  const own = basesOf(repository.chain).filter((base) => base.timeline === timeline && base.writer === writer.writer && (!base.diverged || base.member === member));
  const [last, whole] = [own.at(-1), own.findLast((base) => base.whole)];
  // A clock that was ahead must not put off the next one.
  if (!last || !whole || time - whole.time >= wholeEvery || whole.time > time) return undefined;
  const table = await readPageTable(repository, last.table);
  return { base: last, table, index: await readParentIndex(repository, last, table) };
}
