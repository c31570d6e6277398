import type { BackedUpCluster } from '../../cluster/cluster.ts';
import type { Operation } from '../operation.ts';
import type { EtcdSource } from './etcd-source.ts';

/** What reading a repository works with, of any cluster: no host, and no etcd. */
export interface ReadOperation extends Pick<Operation, 'state' | 'identityFile' | 'clock' | 'signal' | 'progress' | 'fetchPrograms'> {
  readonly cluster: BackedUpCluster;
}

/** What backing up a cluster works with, whoever built it. */
export interface BackupOperation extends ReadOperation {
  readonly source: EtcdSource;
}
