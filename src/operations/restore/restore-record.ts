import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { KubekeepError } from '../../lib/errors.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import { endedRestores } from '../plan/hosts-restoring.ts';
import { keep, readKept, type StateFolder } from '../state.ts';

const recordSchema = z.object({
  /** Part of the name under which the data before it is kept. */
  id: z.string().regex(/^[0-9A-Za-z-]+$/),
  /** Goes up whenever data is made anew for what was begun before. */
  attempt: z.number().int().default(1),
  kind: z.enum(['restore', 'roll-back']),
  /** The point as it was asked for. */
  at: z.string(),
  /** A restore: where the state comes from. */
  point: z.object({ base: z.number(), revision: z.number(), time: z.number(), timeline: z.string() }).optional(),
  /** A roll-back: the restore before which the data was kept. */
  undoes: z.string().optional(),
  /** The first revision of the restored etcd: higher than any that a client can have seen. */
  floor: z.number(),
  begun: z.string(),
  rotateTokens: z.boolean(),
  /** The restored etcd is checked and its timeline noted: API servers may have opened, and its data is never replaced again. */
  opened: z.boolean(),
});

/** A restore of the whole cluster from its first change to its end. It lies beside the cluster file and on every host as long as it is not finished. */
export type RestoreRecord = z.output<typeof recordSchema>;

const unfinishedFile = 'restore-unfinished.json';
const lastFile = 'restore-last.json';

/**
 * The restore that was begun and is not over: as the state folder has it, or as a host has it. A note of one that ended stays where nobody could be told: on a host that was away, on another computer.
 * Throws `state-broken`.
 */
export async function unfinishedRestore(state: StateFolder, facts: ClusterFacts): Promise<RestoreRecord | undefined> {
  const onHosts = [...facts.hosts.values()].flatMap((found) => (reachable(found) && found.restoring !== undefined ? [parseRecord(found.restoring)] : []));
  const kept = await readKept(state, unfinishedFile);
  const ended = new Set([...endedRestores(facts), ...endedBy(await lastRestore(state))]);
  // A host may know more: another computer may have gone on, or begun a roll-back.
  const all = [...(kept === undefined ? [] : [parseRecord(kept)]), ...onHosts].filter(({ id }) => !ended.has(id));
  return all.toSorted((one, other) => other.begun.localeCompare(one.begun) || other.attempt - one.attempt || Number(other.opened) - Number(one.opened))[0];
}

/** The last one that came to its end. */
export async function lastRestore(state: StateFolder): Promise<RestoreRecord | undefined> {
  const kept = await readKept(state, lastFile);
  return kept === undefined ? undefined : parseRecord(kept);
}

export async function keepUnfinished(state: StateFolder, record: RestoreRecord): Promise<void> {
  await keep(state, unfinishedFile, recordText(record));
}

/** Durable before the other one goes: cut between the two, the next run finishes again. */
export async function keepFinished(state: StateFolder, record: RestoreRecord): Promise<void> {
  await keep(state, lastFile, recordText(record));
  await rm(join(state.path, unfinishedFile), { force: true });
}

/** Ids of what is over once this one is: a roll-back ends what it undoes. */
export function endedBy(record: Pick<RestoreRecord, 'id' | 'undoes'> | undefined): string[] {
  return [record?.id, record?.undoes].filter((id) => id !== undefined);
}

/** What is noted of the data that an attempt makes, and the token of its etcd cluster: unlike that of every other, also of an attempt before, which a host may have that was away since. */
export function attemptOf({ id, attempt }: Pick<RestoreRecord, 'id' | 'attempt'>): string {
  return `${id}.${attempt}`;
}

/** The restore, of whatever attempt. */
export function restoreIdOf(attempt: string): string {
  return attempt.replace(/\.\d+$/, '');
}

export function recordText(record: RestoreRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** In a sentence: "a restore of revision 123 (base 4)". */
export function describeRecord({ kind, point, undoes, begun }: RestoreRecord): string {
  return kind === 'restore' ? `a restore of revision ${point?.revision} (begun ${begun})` : `a roll-back of restore ${undoes} (begun ${begun})`;
}

/** Throws `restore-unfinished`. */
export async function refuseUnfinishedRestore(state: StateFolder, facts: ClusterFacts): Promise<void> {
  const record = await unfinishedRestore(state, facts);
  if (!record) return;
  throw new KubekeepError('restore-unfinished', `${describeRecord(record)} is not finished; nothing was changed`, { hint: nextOf(record) });
}

/** The commands that go on with it. */
export function nextOf({ kind, at }: RestoreRecord): string {
  return kind === 'restore' ? `kubekeep restore cluster --at ${at} finishes it, kubekeep restore cluster --roll-back goes back to the state before it.` : 'kubekeep restore cluster --roll-back finishes it.';
}

function parseRecord(text: string): RestoreRecord {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new KubekeepError('state-broken', 'the record of a restore that was begun cannot be read', { hint: 'It was written by another release, or by hand: use that release.', cause: error });
  }
}
