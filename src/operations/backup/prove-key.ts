import { captureKeys, livingKeys, type WrappedScope } from '../../backup/captures.ts';
import { readPageTable } from '../../backup/page-tables.ts';
import { resolvePoint, type Point } from '../../backup/points.ts';
import { openRepositoryAs, type Repository } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import { recipientOf } from '../../pki/seal.ts';
import type { Operation } from '../operation.ts';
import { compareCluster, type Compared } from './compare-cluster.ts';
import { newestBundle } from './newest-bundle.ts';
import { readSeen } from './open-backup.ts';

/** What one key alone brings back. */
export interface KeyProof {
  readonly repository: string;
  readonly owner: string;
  /** The key's own. */
  readonly recipient: string;
  /** Keys of data, and of what is sealed, that it opens, of all that are there. */
  readonly opened: Readonly<Record<WrappedScope, { readonly count: number; readonly of: number }>>;
  /** The newest point, where it opens. */
  readonly newest?: Point | undefined;
  /** The newest keys of the cluster, where they open. */
  readonly bundle?: { readonly cluster: string; readonly base: number; /** Unix time in ms of the base. */ readonly time: number; readonly clusterId: string; readonly clusterFile: boolean } | undefined;
  /** With what the keys of the cluster were compared; none where nothing was there. */
  readonly compared?: Compared | undefined;
  /** What is missing; empty where the key brings back everything. */
  readonly problems: readonly string[];
}

/**
 * Opens a repository with an identity and nothing else, and says what it brings back. `operation`: the cluster to compare with, where its file is there. Throws `identity-missing` where the key does not open
 * the repository at all, and what opening it throws.
 */
export async function proveKey(store: Store, identity: Secret, operation?: Operation): Promise<KeyProof> {
  const repository = await openRepositoryAs(store, identity);
  const problems: string[] = [];
  /** What is missing is said, and the rest looked at. */
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KubekeepError) || error.code === 'store-failed') throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const seen = operation && (await readSeen(operation.state));
  if (seen && seen.id !== repository.id) problems.push(`it is not the repository that this cluster writes to: that is ${seen.id.slice(0, 12)}, and this one ${repository.id.slice(0, 12)}`);
  else if (seen?.owner !== undefined && seen.owner !== repository.ownerKey) problems.push(`it is not of the owner that this cluster knows: that is ${seen.owner.slice(0, 12)}, and this one ${repository.ownerKey.slice(0, 12)}`);
  const recipient = await recipientOf(identity);
  const { recipients, escrow } = repository.recipients;
  const opened = { data: await openAll(repository, identity, 'data', problems), escrow: await openAll(repository, identity, 'escrow', problems) };
  if (!recipients.includes(recipient)) problems.push('it is not one of those that data is written for');
  if (!escrow.includes(recipient)) problems.push('it is not one of escrow: the keys of the cluster are sealed to others');
  const newest = recipients.includes(recipient) ? await attempt(() => newestPoint(repository, identity)) : undefined;
  const found = escrow.includes(recipient) ? await attempt(() => newestBundle(repository, identity)) : undefined;
  const compared = found && operation && (await attempt(() => compareCluster(operation, found.bundle.secrets)));
  return {
    repository: repository.id,
    owner: repository.ownerKey,
    recipient,
    opened,
    newest,
    bundle: found && { cluster: found.bundle.cluster, base: found.base.number, time: found.base.time, clusterId: found.bundle.secrets.clusterId, clusterFile: found.bundle.clusterFile !== undefined },
    compared,
    problems: [...new Set(problems)],
  };
}

/** As many as are missing one by one; of more than a few only how many. */
const named = 5;
const words: Readonly<Record<WrappedScope, string>> = { data: 'data', escrow: 'what is sealed' };

async function openAll(repository: Repository, identity: Secret, scope: WrappedScope, problems: string[]): Promise<{ readonly count: number; readonly of: number }> {
  const keys = captureKeys(repository, identity, scope);
  const all = [...(await livingKeys(repository, scope)).keys()];
  const failed: string[] = [];
  let closed = 0;
  for (const capture of all) {
    await keys(capture).catch((error: unknown) => {
      if (!(error instanceof KubekeepError) || error.code === 'store-failed') throw error;
      // Who is none of the recipients is told so once.
      if (error.code === 'identity-missing') closed++;
      else failed.push(error.message);
    });
  }
  if (closed > 0) problems.push(`it does not open ${closed} of ${all.length} keys of ${words[scope]}`);
  problems.push(...failed.slice(0, named), ...(failed.length > named ? [`and ${failed.length - named} more keys of ${words[scope]}`] : []));
  return { count: all.length - failed.length - closed, of: all.length };
}

/** The newest point whose base, and whose last piece of the log, really open: a key that opens might be another one than the data was written with. */
async function newestPoint(repository: Repository, identity: Secret): Promise<Point> {
  const keys = captureKeys(repository, identity);
  const { base, revision } = await resolvePoint(repository, 'latest', keys);
  const [pack] = (await readPageTable(repository, base.table)).packs;
  if (pack !== undefined) await repository.get('pack', pack, keys);
  return resolvePoint(repository, `revision:${revision}`, keys);
}
