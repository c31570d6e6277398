import type { Cluster } from '../../cluster/cluster.ts';
import type { Secret } from '../../lib/secret.ts';
import { recipientOf } from '../../pki/seal.ts';

export interface RecipientsWanted {
  /** The cluster's own. */
  readonly own: string;
  /** All, the own one first. */
  readonly recipients: readonly string[];
}

/** For whom backups of a cluster are written by its file. */
export async function recipientsFor({ backup }: Cluster, identity: Secret): Promise<RecipientsWanted> {
  const own = await recipientOf(identity);
  return { own, recipients: [...new Set([own, ...(backup?.recipients ?? [])])] };
}
