import { allOf, type RecipientLists } from '../../backup/recipients.ts';
import type { BackedUpCluster } from '../../cluster/cluster.ts';
import type { Secret } from '../../lib/secret.ts';
import { recipientOf } from '../../pki/seal.ts';

export interface RecipientsWanted extends RecipientLists {
  /** The cluster's own: the first of both lists, since it opens what is kept in the state folder anyway. */
  readonly own: string;
}

/** For whom backups of a cluster are written by its file. */
export async function recipientsFor({ backup }: BackedUpCluster, identity: Secret): Promise<RecipientsWanted> {
  const own = await recipientOf(identity);
  const withOwn = (list: readonly string[] = []) => [...new Set([own, ...list])];
  return { own, recipients: withOwn(backup?.recipients), escrow: withOwn(backup?.escrow ?? backup?.recipients) };
}

/** Whom the repository lacks in one list or the other, and who is in one without being wanted there. */
export function differenceOf(wanted: RecipientLists, present: RecipientLists): { readonly more: readonly string[]; readonly fewer: readonly string[] } {
  return { more: missing(wanted, present), fewer: missing(present, wanted) };
}

function missing(from: RecipientLists, to: RecipientLists): readonly string[] {
  const without = (list: readonly string[], other: readonly string[]) => list.filter((one) => !other.includes(one));
  return allOf({ recipients: without(from.recipients, to.recipients), escrow: without(from.escrow, to.escrow) });
}
