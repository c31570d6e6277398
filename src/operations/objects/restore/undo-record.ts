import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decryptWith, encryptFor } from '../../../lib/age.ts';
import { KubekeepError } from '../../../lib/errors.ts';
import type { Secret } from '../../../lib/secret.ts';
import { parseJson, printable, type Json, type JsonObject } from '../../../objects/json.ts';
import { recipientOf } from '../../../pki/seal.ts';
import { keep, readKept, type StateFolder } from '../../state.ts';

const object = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null);
const entrySchema = z.object({
  name: z.object({ group: z.string(), resource: z.string(), namespace: z.string(), name: z.string() }),
  /** Of the object in the API. */
  path: z.string(),
  /** What was there; none where nothing was. */
  before: object.optional(),
  /** What was written; its uid is known when it was written for certain. */
  after: object,
  uid: z.string().optional(),
});
const recordSchema = z.object({
  id: z.string(),
  /** What was asked for. */
  what: z.string(),
  revision: z.number(),
  begun: z.string(),
  /** Uid of the namespace kube-system of the cluster that it was into. */
  cluster: z.string().optional(),
  undone: z.string().optional(),
  /** In the order in which they were written. */
  entries: z.array(entrySchema),
});

/** One run of a restore: what it wrote, and what had been there. */
export type UndoRecord = z.output<typeof recordSchema>;
export type UndoEntry = z.output<typeof entrySchema>;

const folder = 'undo';

/** Durable, and sealed to the identity: it may hold Secrets. Throws `file-missing`. */
export async function keepUndo(state: StateFolder, identity: Secret, record: UndoRecord): Promise<void> {
  const sealed = await encryptFor([await recipientOf(identity)], JSON.stringify(printable(record as unknown as Json)));
  await keep(state, `${folder}/${record.id}.age`, `${Buffer.from(sealed).toString('base64')}\n`);
}

/** The ids that there are, the oldest first. */
export async function undoIds(state: StateFolder): Promise<readonly string[]> {
  const names = await readdir(join(state.path, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new KubekeepError('file-missing', `${join(state.path, folder)} cannot be read: ${error.message}`, { cause: error });
  });
  return names.flatMap((name) => /^([\w-]+)\.age$/.exec(name)?.[1] ?? []).toSorted();
}

/** Throws `usage` where there is none of that id, `identity-missing`, `state-broken`. */
export async function readUndo(state: StateFolder, identity: Secret, id: string): Promise<UndoRecord> {
  const text = /^[\w-]+$/.test(id) ? await readKept(state, `${folder}/${id}.age`) : undefined;
  if (text === undefined) throw new KubekeepError('usage', `there is no restore ${id} that could be undone`, { hint: 'kubekeep objects undo lists those that there are.' });
  const broken = (cause: unknown) => new KubekeepError('state-broken', `${join(state.path, folder, `${id}.age`)} is damaged`, { cause });
  const bytes = await decryptWith(identity, () => Buffer.from(text, 'base64'), {
    forOthers: (cause) => new KubekeepError('identity-missing', `${join(state.path, folder, `${id}.age`)} was sealed to another identity`, { hint: 'Give the one of whoever restored: KUBEKEEP_IDENTITY=FILE.', cause }),
    broken,
  });
  try {
    return recordSchema.parse(parseJson(Buffer.from(bytes).toString()));
  } catch (cause) {
    throw broken(cause);
  }
}
