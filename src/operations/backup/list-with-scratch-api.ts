import { join } from 'node:path';
import { KubekeepError } from '../../lib/errors.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { encryptionConfig } from '../../render/kube-apiserver.ts';
import { openKeptSecrets } from '../state.ts';
import type { ReadOperation } from './backup-operation.ts';
import { listObjects, type Listing } from './list-objects.ts';
import { scratchApi } from './scratch-api.ts';
import type { ReplayedEtcd } from './scratch-replay.ts';

export interface ListInput {
  readonly etcd: ReplayedEtcd;
  /** Where its files may lie for a while: keys are among them. */
  readonly folder: string;
  readonly revision: number;
  /** All keys at that revision. */
  readonly keys: ReadonlySet<string>;
  /** The keys of the cluster as they lie beside the point: for a computer that has none. Undefined where they cannot be read. */
  readonly sealed: () => Promise<ClusterSecrets | undefined>;
}

/** Starts a real kube-apiserver on an etcd and lists all that it can read of it at a revision. Throws `api-failed` where it does not start. */
export async function listWithScratchApi(operation: ReadOperation, { etcd, folder, revision, keys, sealed }: ListInput): Promise<Listing> {
  const { cluster, clock, signal, progress } = operation;
  const secrets = (await clusterSecrets(operation)) ?? (await sealed());
  await using api = await scratchApi(operation, { etcd, folder: join(folder, 'api'), encryption: secrets && encryptionConfig(secrets.encryptionKey), forReaders: false });
  progress({ type: 'started', title: `listing all objects with kube-apiserver ${cluster.kubernetes.version}`, step: 'restore/list' });
  const listing = await Promise.race([listObjects(api.client, { revision, keys, secretsSealed: secrets === undefined, clock, signal }), api.ended]);
  progress({ type: 'done', title: `listed ${listing.objects} objects of ${listing.resources} resources`, step: 'restore/list' });
  return listing;
}

/** Undefined where this computer has none, or none that its identity opens. */
async function clusterSecrets({ state, cluster, identityFile }: ReadOperation): Promise<ClusterSecrets | undefined> {
  try {
    return (await openKeptSecrets(state, { cluster: cluster.name, identityFile }))?.secrets;
  } catch (error) {
    if (error instanceof KubekeepError && error.code === 'identity-missing') return undefined;
    throw error;
  }
}
