import { KubekeepError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import { seededDraw } from '../lib/seeded-draw.ts';
import { pointsBehind, pointsFrom, type Timeline } from './affected-points.ts';
import { isThere, readBundle } from './bundle.ts';
import { captureKeys, type CaptureKeys } from './captures.ts';
import { logOf, type SegmentPart } from './change-log/coverage.ts';
import { fingerprintOf, type LogRecord } from './change-log/log-record.ts';
import { readSegment } from './change-log/read-log.ts';
import { checkSegmentIndex } from './change-log/segment-index.ts';
import { damaged } from './format/encrypted-object.ts';
import { entryName } from './format/chain-entry.ts';
import { objectName } from './format/object-name.ts';
import { pagesOf } from './format/page-table.ts';
import { checkIndex, indexParts } from './check-indexes.ts';
import { checkPack, notePacks, type PackUse } from './check-pack.ts';
import { readPageTable } from './page-tables.ts';
import { goodBases, type Base } from './points.ts';
import { opensWith, type Repository } from './repository.ts';
import { verdictsOf } from './verdicts.ts';

export interface ObjectProblem {
  readonly object: string;
  readonly problem: string;
  /** Points that cannot be given back. */
  readonly affects: readonly string[];
}

export interface ObjectsChecked {
  readonly bases: number;
  readonly tables: number;
  readonly packs: number;
  /** Objects of the key indexes of bases. */
  readonly indexes: number;
  readonly segments: number;
  readonly captures: number;
  /** The keys of the cluster, sealed. */
  readonly bundles: number;
  /** How many of them were read and decrypted. */
  readonly read: { readonly packs: number; readonly segments: number };
  readonly problems: readonly ObjectProblem[];
}

export interface CheckOptions {
  readonly identity: Secret;
  /** The identity is one of escrow: keys of the cluster that it does not open are damaged. */
  readonly escrow: boolean;
  /** Which part of packs and segments is read, from 0 to 1; the same ones for the same seed. */
  readonly share: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onObject: (done: number, of: number) => void;
}

/** What one object can have; everything else is a failure of the check. */
const found: ReadonlySet<string> = new Set(['repository-damaged', 'identity-missing', 'store-failed']);

/** Looks whether every object that the chain names is there, tables are complete, the log has no gap that it does not admit, and keys open; with a share, also whether packs and segments are what was written. */
export async function checkObjects(repository: Repository, options: CheckOptions): Promise<ObjectsChecked> {
  const problems: ObjectProblem[] = [];
  const attempt = async <T>(affects: () => readonly string[], work: () => T | Promise<T>): Promise<T | undefined> => {
    options.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KubekeepError && found.has(error.code))) throw error;
      problems.push({ ...told(error), affects: affects() });
      return undefined;
    }
  };
  const { chain } = repository;
  const keys = captureKeys(repository, options.identity);
  const look: Look = { repository, keys, attempt, draw: seededDraw(options.seed), ...options };
  await attempt(() => ['everything, for who has no more than an identity'], () => opensWith(repository, options.identity));
  await attempt(() => [], () => verdictsOf(chain));
  const bases = (await attempt(() => ['everything'], () => goodBases(chain))) ?? [];
  const timelines = await timelinesOf(look, bases);
  const captures = await checkCaptures(look, timelines);
  const bundles = await checkBundles(look, bases);
  const packs = new Map<string, PackUse>();
  const tables = await checkTables(look, timelines, packs);
  await checkPacks(look, packs);
  const indexes = await checkIndexes(look, bases);
  const segments = await checkSegments(look, timelines);
  return { bases: bases.length, tables, captures, bundles, packs: packs.size, indexes, segments: segments.known, read: { packs: [...packs.values()].filter(({ chosen }) => chosen).length, segments: segments.read }, problems };
}

interface Look extends CheckOptions {
  readonly repository: Repository;
  readonly keys: CaptureKeys;
  readonly draw: () => number;
  /** Undefined where the object was found wanting. */
  readonly attempt: <T>(affects: () => readonly string[], work: () => T | Promise<T>) => Promise<T | undefined>;
}

/** Messages about an object begin with its name. */
function told({ message }: KubekeepError): Pick<ObjectProblem, 'object' | 'problem'> {
  const [, object, problem] = /^((?:[a-z]+\/|table |base |segment )\S+): (.*)$/s.exec(message) ?? [];
  return object === undefined ? { object: /[a-z]+\/\S+(?=[: ])/.exec(message)?.[0] ?? 'the repository', problem: message } : { object, problem: problem! };
}

async function timelinesOf({ repository: { chain }, attempt }: Look, bases: readonly Base[]): Promise<readonly Timeline[]> {
  const names = new Set([...bases.map(({ timeline }) => timeline), ...chain.entries.flatMap(({ kind, body }) => (kind === 'segment' ? [String((body as { timeline?: unknown }).timeline)] : []))]);
  const timelines: Timeline[] = [];
  for (const name of names) {
    const own = bases.filter(({ timeline }) => timeline === name);
    const log = (await attempt(() => [`the log of timeline ${name}`], () => logOf(chain, name))) ?? [];
    timelines.push({ bases: own, log });
    for (const part of log) await attempt(() => [pointsBehind({ bases: own, log }, part)], () => refuseLost(own, log, part.number));
  }
  return timelines;
}

/** Throws where nothing leads to a piece of the log. */
function refuseLost(bases: readonly Base[], log: Timeline['log'], number: number): void {
  const part = log.find((one) => one.number === number)!;
  if (part.kind === 'hole' && !bases.some(({ revision }) => revision >= part.last)) throw damaged(entryName(number), `no base stands behind the revisions ${part.first} to ${part.last} that it says are lost`);
  if (part.kind === 'segment' && bases.length === 0) throw damaged(entryName(number), `no base leads to revisions ${part.first} to ${part.last} of the log`);
}

async function checkCaptures({ keys, attempt }: Look, timelines: readonly Timeline[]): Promise<number> {
  const uses = new Map<string, string[]>();
  const use = (capture: string, points: string) => void uses.set(capture, [...(uses.get(capture) ?? []), points]);
  for (const timeline of timelines) {
    for (const base of timeline.bases) for (const capture of new Set([base.capture, ...(base.captures ?? [])])) use(capture, pointsFrom(timeline, base));
    for (const part of timeline.log) if (part.kind === 'segment') use(part.capture, pointsBehind(timeline, part));
  }
  for (const [capture, points] of uses) await attempt(() => shortened(points), () => keys(capture));
  return uses.size;
}

/** The pieces of an hour of the log are many, and the first of them says what all say. */
function shortened(points: readonly string[]): readonly string[] {
  return points.length > 3 ? [...points.slice(0, 3), `${points.length - 3} more`] : points;
}

/** They are small, and the last thing to be missed: always read. Who is no recipient of escrow looks whether they are there. */
async function checkBundles({ repository, identity, escrow, attempt }: Look, bases: readonly Base[]): Promise<number> {
  const refs = new Map(bases.flatMap(({ bundle }) => (bundle ? [[bundle.hash, bundle] as const] : [])));
  for (const ref of refs.values()) {
    const affected = () => bases.filter(({ bundle }) => bundle?.hash === ref.hash).map(({ number }) => `the keys of the cluster beside base ${number}`);
    await attempt(() => shortened(affected()), async () => {
      if (escrow) await readBundle(repository, ref, identity);
      else if (!(await isThere(repository, ref))) throw damaged(objectName('sealed', ref.hash), 'it, or its key, is not there as it was written');
    });
  }
  return refs.size;
}

/** How many tables could be read; notes what they say of packs. */
async function checkTables({ repository, attempt, draw, share }: Look, timelines: readonly Timeline[], packs: Map<string, PackUse>): Promise<number> {
  const read = new Map<string, ReturnType<Repository['get']>>();
  // Most bases stand on the tables of those before them.
  const once: Repository = {
    ...repository,
    get(kind, hash, keyFor) {
      const bytes = read.get(hash) ?? repository.get(kind, hash, keyFor);
      read.set(hash, bytes);
      return bytes;
    },
  };
  for (const timeline of timelines) {
    for (const base of timeline.bases) {
      const points = pointsFrom(timeline, base);
      await attempt(() => [points], async () => {
        const table = await readPageTable(once, base.table);
        if (pagesOf(table) * table.pageSize !== base.length) throw damaged(`table ${base.table}`, `it has ${pagesOf(table)} pages and its base ${base.length} bytes`);
        notePacks(packs, table, points, () => draw() < share);
      });
    }
  }
  return read.size;
}

/** What a list does not have must still be looked for: it may be behind. */
async function listed({ store }: Repository, prefix: string): Promise<(name: string) => boolean> {
  const names = new Set(await store.list(prefix));
  return (name) => names.has(name);
}

async function checkPacks({ repository, keys, attempt, onObject }: Look, packs: ReadonlyMap<string, PackUse>): Promise<void> {
  const isListed = await listed(repository, 'packs/');
  let done = 0;
  for (const [pack, use] of packs) {
    onObject(++done, packs.size);
    if (use.chosen || !isListed(objectName('pack', pack))) await attempt(() => shortened(use.points), async () => checkPack(repository.pageId, pack, use, await repository.get('pack', pack, keys)));
  }
}

/** No point needs one: what is damaged makes reading objects slower. */
async function checkIndexes({ repository, keys, attempt, draw, share }: Look, bases: readonly Base[]): Promise<number> {
  const [parts, isListed] = [indexParts(bases), await listed(repository, 'indexes/')];
  for (const [hash, part] of parts) if (draw() < share || !isListed(objectName('index', hash))) await attempt(() => [], () => checkIndex(repository, hash, part, keys));
  return parts.size;
}

async function checkSegments(look: Look, timelines: readonly Timeline[]): Promise<{ readonly known: number; readonly read: number }> {
  const { repository, keys, attempt, draw, share } = look;
  const [isPiece, isMerged] = [await listed(repository, 'chain/'), await listed(repository, 'segments/')];
  let [known, read] = [0, 0];
  for (const timeline of timelines) {
    for (const part of timeline.log) {
      if (part.kind !== 'segment') continue;
      known++;
      const chosen = draw() < share;
      if (chosen) read++;
      const isListed = part.object === undefined ? isPiece(entryName(part.number)) : isMerged(objectName('segment', part.object));
      const records = chosen || !isListed ? await attempt(() => [pointsBehind(timeline, part)], () => checkSegment(repository, part, keys)) : undefined;
      // No point needs it.
      if (records) await attempt(() => [], () => checkSegmentIndex(repository, part, records, keys));
    }
  }
  return { known, read };
}

async function checkSegment(repository: Repository, part: SegmentPart, keys: CaptureKeys): Promise<readonly LogRecord[]> {
  const { records } = await readSegment(repository, part, keys);
  if (fingerprintOf(records.at(-1)!.changes, repository.pageId) !== part.fingerprint) throw damaged(part.object === undefined ? entryName(part.number) : objectName('segment', part.object), 'its last record is not the one that its entry speaks of');
  return records;
}
