import type { Store } from '../../backup/store/store.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import type { Work } from '../phases/work.ts';
import type { Living } from './look-at-living.ts';
import type { RestoreRecord } from './restore-record.ts';
import type { SnapshotFile } from './snapshot-file.ts';

/** An operation that holds the lock and performs a restore. */
export interface Restoring extends Work {
  readonly record: RestoreRecord;
  readonly store: Store;
  /** Hosts that take part. */
  readonly answering: readonly HostSpec[];
  readonly disks: Living['disks'];
  /** Of this computer, removed afterwards. */
  readonly folder: string;
  /** What is restored. A roll-back has it only once etcd is stopped. */
  readonly source: SnapshotFile | undefined;
}
