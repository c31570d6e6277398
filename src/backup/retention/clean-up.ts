import { wrappedKeyOf } from '../captures.ts';
import { segmentOf } from '../change-log/coverage.ts';
import { entryName, isEntryName } from '../format/chain-entry.ts';
import { isObjectName, objectName } from '../format/object-name.ts';
import type { ReadEntry } from '../read-entry.ts';
import type { SigningKey } from '../repository-keys.ts';
import type { Repository } from '../repository.ts';
import { tryToRemove, type Left } from '../store/try-to-remove.ts';
import type { RetentionPlan } from './plan-retention.ts';
import { reachedKeys, reachedObjects } from './reached-objects.ts';
import { afterRetire, goesUpTo, removedUpTo, retiresOf, type RemovedBody, type Retire, type RetireBody } from './retired.ts';

/** ms between the entry that names what goes and its removal: who writes or restores meanwhile may still need it. */
export const grace = 24 * 3_600_000;

export interface CleanUpOptions {
  /** Only the owner says what goes. */
  readonly owner: SigningKey;
  /** ms since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly onRemoved: (done: number, of: number) => void;
}

export interface Retired {
  /** Objects that nothing reaches: they are removed when the grace is over. */
  readonly objects: number;
}

export interface Removed {
  /** Objects and entries of the chain that are gone. */
  readonly removed: number;
  /** What the store would not remove, with its words. */
  readonly refused: readonly Left[];
}

const cleaned = ['packs/', 'tables/', 'indexes/', 'segments/', 'sealed/', 'captures/', 'escrow/'] as const;
const atOnce = 16;

/** First step: appends what goes by the plan, and what nothing reaches then. Nothing is removed. Appends nothing where nothing goes. */
export async function retire(repository: Repository, plan: RetentionPlan, { owner, now }: CleanUpOptions): Promise<Retired> {
  const { chain } = repository;
  const planned = { bases: plan.bases.flatMap(({ base, keep }) => (keep.length === 0 ? [base.number] : [])), logs: plan.logs.map(({ timeline, upTo }) => ({ timeline, upTo })) };
  // Where nobody writes the log any more no other catalog may come for years.
  if (piecesGone(chain.entries, afterRetire(chain.entries, planned)).some((number) => number > chain.catalogued)) await chain.catalog(owner, []);
  const goes = { time: now, ...planned, entriesUpTo: chain.catalogued };
  const left = afterRetire(chain.entries, goes);
  // Those that no catalog stands for are walked over by every reader, and go with a later run.
  const pieces = piecesGone(chain.entries, left).filter((number) => number <= goes.entriesUpTo);
  const objects = [...pieces.map(entryName), ...(await unreached(repository, left))];
  const nothing = goes.bases.length === 0 && goes.logs.length === 0 && objects.length === 0;
  if (nothing && goes.entriesUpTo <= goesUpTo(chain)) return { objects: 0 };
  const list = objects.length === 0 ? undefined : await repository.put('table', Buffer.from(JSON.stringify(objects)), repository.structure);
  await chain.append('retire', owner, () => ({ ...goes, ...(list !== undefined && { objects: list }) }) satisfies RetireBody);
  return { objects: objects.length };
}

/** Second step, for each entry whose grace is over: removes what it named and nothing reaches now. What was cut off is done by the next run. */
export async function removeRetired(repository: Repository, options: CleanUpOptions): Promise<Removed> {
  const { chain, store } = repository;
  const due = retiresOf(chain).filter(({ time }) => options.now - time >= grace);
  const refused: Left[] = [];
  let removed = 0;
  const isReached = due.length === 0 ? () => true : await reachedFrom(repository, chain.entries);
  for (const one of due) {
    // An earlier release listed entries that no catalog stood for: without them nobody comes to those behind them.
    const objects = (await listOf(repository, one)).filter((name) => !isReached(name) && !(isEntryName(name) && name > entryName(one.entriesUpTo)));
    const first = removedUpTo(chain) + 1;
    const entries = Array.from({ length: Math.max(0, one.entriesUpTo - first + 1) }, (_, index) => entryName(first + index)).filter((name) => !isReached(name));
    const names = [...new Set([...objects, ...entries])];
    const held = await removeAll(repository, names, options);
    refused.push(...held);
    removed += names.length - held.length;
    await chain.append('removed', options.owner, () => ({ retire: one.number, entriesUpTo: Math.max(one.entriesUpTo, first - 1) }) satisfies RemovedBody);
    // Where it is held back, the next list has it.
    if (one.objects !== undefined) await tryToRemove(store, objectName('table', one.objects));
  }
  return { removed, refused };
}

/** Numbers of pieces of the log that no run would come to again: entries before them were removed already, or will be. */
function piecesGone(before: readonly ReadEntry[], left: readonly ReadEntry[]): readonly number[] {
  const stays = new Set(left);
  return before.flatMap((entry) => (entry.kind === 'segment' && segmentOf(entry)?.object === undefined && !stays.has(entry) ? [entry.number] : []));
}

/** Objects that entries do not reach, without what an earlier clean-up names already, and what nobody of ours has put there. */
async function unreached(repository: Repository, entries: readonly ReadEntry[]): Promise<readonly string[]> {
  const isReached = await reachedFrom(repository, entries);
  const named = new Set((await Promise.all(retiresOf({ entries }).map((one) => listOf(repository, one)))).flat());
  const names = (await Promise.all(cleaned.map((prefix) => repository.store.list(prefix)))).flat();
  return names.filter((name) => (isObjectName(name) || wrappedKeyOf(name)) && !isReached(name) && !named.has(name));
}

/** Whether entries need what has a name: an object of theirs, or the key to one in whatever wrapping. */
async function reachedFrom(repository: Repository, entries: readonly ReadEntry[]): Promise<(name: string) => boolean> {
  const objects = await reachedObjects(repository, entries);
  const keys = reachedKeys(entries);
  return (name) => {
    const key = wrappedKeyOf(name);
    return key ? (keys[key.scope]?.has(key.capture) ?? true) : objects.has(name);
  };
}

async function listOf(repository: Repository, { objects }: Retire): Promise<readonly string[]> {
  if (objects === undefined) return [];
  return JSON.parse((await repository.get('table', objects, () => repository.structure)).toString()) as readonly string[];
}

async function removeAll({ store }: Repository, names: readonly string[], { signal, onRemoved }: CleanUpOptions): Promise<readonly Left[]> {
  const refused: Left[] = [];
  for (let at = 0; at < names.length; at += atOnce) {
    signal.throwIfAborted();
    const left = await Promise.all(names.slice(at, at + atOnce).map((name) => tryToRemove(store, name)));
    refused.push(...left.filter((one) => one !== undefined));
    onRemoved(Math.min(names.length, at + atOnce), names.length);
  }
  return refused;
}
