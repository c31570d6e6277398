import { changeRecipients, type ChangedRecipients } from '../../backup/change-recipients.ts';
import type { RecipientLists } from '../../backup/recipients.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { ReadOperation } from './backup-operation.ts';
import { openToWrite, remember } from './open-backup.ts';
import { differenceOf, recipientsFor } from './recipients.ts';

export const keyUses = ['data', 'escrow', 'both'] as const;
export type KeyUse = (typeof keyUses)[number];

/** Recipients that were named; none: what the cluster file says. */
export interface NamedKeys {
  readonly named: readonly string[];
  /** Default: as the cluster file has them, else both. */
  readonly use?: KeyUse | undefined;
}

export interface ChangedKeys extends ChangedRecipients {
  /** Who was not in one of the lists before, and who was. */
  readonly joining: readonly string[];
  readonly leaving: readonly string[];
}

/** Lets more recipients read the repository, what is in it included. Throws `identity-missing` where one is no recipient, or the identity cannot open the keys that it is written with. */
export async function addKeys(operation: ReadOperation, store: Store, keys: NamedKeys): Promise<ChangedKeys> {
  return changed(operation, store, (present, wanted) => listsWith(present, wanted, keys));
}

/** Writes for some recipients no more, and takes the keys away that are wrapped for them. `confirm` is asked with their names first. Throws `needs-confirmation`, `usage`. */
export async function removeKeys(operation: ReadOperation, store: Store, keys: NamedKeys & { readonly confirm: (leaving: readonly string[]) => Promise<boolean> }): Promise<ChangedKeys> {
  return changed(operation, store, (present, wanted) => listsWithout(present, wanted, keys), keys.confirm);
}

type Change = (present: RecipientLists, wanted: RecipientLists & { readonly own: string }) => RecipientLists;

async function changed(operation: ReadOperation, store: Store, change: Change, confirm?: (leaving: readonly string[]) => Promise<boolean>): Promise<ChangedKeys> {
  const { cluster, state, clock, signal, progress } = operation;
  const { repository, keys, identity } = await openToWrite(operation, store);
  const wanted = await recipientsFor(cluster, identity);
  const { more: joining, fewer: leaving } = differenceOf(change(repository.recipients, wanted), repository.recipients);
  if (confirm && leaving.length > 0 && !(await confirm(leaving))) throw new KubekeepError('needs-confirmation', 'nothing was changed: the removal was not confirmed', { hint: 'Run it again with --yes.' });
  const result = await changeRecipients(repository, (present) => change(present, wanted), {
    keys, identity, now: () => clock.now(), signal,
    onKey: (done) => {
      if (done > 0 && done % 100 === 0) progress({ type: 'note', title: `${done} keys were looked at`, step: 'backup/keys' });
    },
  });
  await remember(state, repository);
  return { ...result, joining, leaving };
}

/** The lists with more in them. @internal */
export function listsWith(present: RecipientLists, wanted: RecipientLists, { named, use }: NamedKeys): RecipientLists {
  const known = (one: string) => wanted.recipients.includes(one) || wanted.escrow.includes(one);
  const joined = (list: keyof RecipientLists, word: KeyUse) => {
    const more = named.length === 0 ? (isFor(word, use) ? wanted[list] : []) : named.filter((one) => (use ? isFor(word, use) : !known(one) || wanted[list].includes(one)));
    return [...new Set([...present[list], ...more])];
  };
  return { recipients: joined('recipients', 'data'), escrow: joined('escrow', 'escrow') };
}

/** The lists with fewer in them; one that is in none of them may have been removed by a call that was cut off. Throws `usage` where one is this cluster's own. @internal */
export function listsWithout(present: RecipientLists, wanted: RecipientLists & { readonly own: string }, { named, use = 'both' }: NamedKeys): RecipientLists {
  if (named.includes(wanted.own)) throw new KubekeepError('usage', `${wanted.own} is the recipient of the identity in use, which kubekeep itself reads with`, { hint: 'To be rid of it: move the state folder away, run kubekeep restore state --identity FILE with another identity, then this again.' });
  const left = (list: keyof RecipientLists, word: KeyUse) => present[list].filter((one) => !isFor(word, use) || (named.length === 0 ? wanted[list].includes(one) : !named.includes(one)));
  return { recipients: left('recipients', 'data'), escrow: left('escrow', 'escrow') };
}

function isFor(list: KeyUse, use: KeyUse = 'both'): boolean {
  return use === list || use === 'both';
}
