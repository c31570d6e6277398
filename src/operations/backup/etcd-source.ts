import type { OwnerKeys } from '../../backup/repository-keys.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import type { Secret } from '../../lib/secret.ts';

/** The etcd that is backed up: how it is reached, and what lies beside it, by who built the cluster. */
export interface EtcdSource {
  /** All members that are known now, whether or not they answer, those first that are near. Throws `etcd-failed` where that cannot be known. */
  members(): Promise<readonly KnownMember[]>;
  /** The identity that its backups are written for in any case. */
  identity(): Promise<OwnIdentity>;
  /** What lies beside the data and is to be sealed; undefined where kubekeep does not have it. `keys`: those of the repository. */
  bundle(keys: OwnerKeys): Promise<Uint8Array | undefined>;
}

export interface KnownMember {
  readonly name: string;
  /** Rejects where the member cannot be reached. Whoever connects closes. */
  connect(): Promise<EtcdClient>;
}

export interface OwnIdentity {
  readonly identity: Secret;
  /** Where it was made now: puts it into the state folder; the path that it has there. */
  readonly keep?: () => Promise<string>;
}
