import { z } from 'zod';
import type { ReadEntry } from './read-entry.ts';
import { damaged } from './format/encrypted-object.ts';
import { entryName } from './format/chain-entry.ts';

/** For whom a repository is written: age recipients (`age1…`). */
export interface RecipientLists {
  /** Who can read data. */
  readonly recipients: readonly string[];
  /** Who can read what is sealed: the keys of the cluster and of the repository. */
  readonly escrow: readonly string[];
}

/** The lists as the owner has written them into the chain. */
export interface Recipients extends RecipientLists {
  /** From 1. */
  readonly generation: number;
  /** By recipient: Unix time in ms since which it has been one. */
  readonly since: Readonly<Record<string, number>>;
}

const schema = z.object({ generation: z.number().int().positive(), recipients: z.array(z.string()), escrow: z.array(z.string()), since: z.record(z.string(), z.number()) });

/** The newest lists; undefined where the chain has none yet. Throws `repository-damaged`. */
export function recipientsIn(entries: readonly ReadEntry[]): Recipients | undefined {
  const entry = entries.findLast(({ kind }) => kind === 'recipients');
  if (!entry) return undefined;
  const read = schema.safeParse(entry.body);
  if (!read.success) throw damaged(entryName(entry.number), 'it is no list of recipients that this release understands');
  return read.data;
}

/** The lists that follow on others at a time in ms. */
export function nextRecipients(before: Recipients | undefined, { recipients, escrow }: RecipientLists, now: number): Recipients {
  const since = Object.fromEntries(allOf({ recipients, escrow }).map((one) => [one, before?.since[one] ?? now]));
  return { generation: (before?.generation ?? 0) + 1, recipients, escrow, since };
}

/** Each once. */
export function allOf({ recipients, escrow }: RecipientLists): readonly string[] {
  return [...new Set([...recipients, ...escrow])];
}

/** In whatever order. */
export function sameLists(one: RecipientLists, other: RecipientLists): boolean {
  const text = ({ recipients, escrow }: RecipientLists) => [recipients, escrow].map((list) => list.toSorted().join(' ')).join('|');
  return text(one) === text(other);
}
