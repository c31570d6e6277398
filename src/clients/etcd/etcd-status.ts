import type { StatusResponse } from './_rpc.ts';
import { formatMemberId } from './member-id.ts';
import type { MemberId } from './member-id.ts';

/** What one member says of itself. */
export interface EtcdStatus {
  readonly clusterId: MemberId;
  readonly member: MemberId;
  /** None while there is no leader. */
  readonly leader: MemberId | undefined;
  readonly isLearner: boolean;
  /** Of the program, for example 3.7.3. */
  readonly version: string;
  /** Of the data, for example 3.7.0; 3.5.0 for the first seconds of a new member. */
  readonly storageVersion: string;
  readonly revision: number;
  readonly raftTerm: number;
  /** Index of the newest raft entry that is committed, and of the newest one that is applied. */
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  /** Bytes: of the file, of what is in use, of the limit. */
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  readonly dbSizeQuota: number;
  /** Alarms and "no leader", in etcd's words. */
  readonly errors: readonly string[];
  /** Set while a downgrade to that version is under way. */
  readonly downgradeTo: string | undefined;
}

export function toEtcdStatus(answer: StatusResponse): EtcdStatus {
  const { header, leader, downgradeInfo } = answer;
  return {
    clusterId: formatMemberId(header!.clusterId),
    member: formatMemberId(header!.memberId),
    leader: leader === 0n ? undefined : formatMemberId(leader),
    isLearner: answer.isLearner,
    version: answer.version,
    storageVersion: answer.storageVersion,
    revision: Number(header!.revision),
    raftTerm: Number(answer.raftTerm),
    raftIndex: Number(answer.raftIndex),
    raftAppliedIndex: Number(answer.raftAppliedIndex),
    dbSize: Number(answer.dbSize),
    dbSizeInUse: Number(answer.dbSizeInUse),
    dbSizeQuota: Number(answer.dbSizeQuota),
    errors: answer.errors,
    downgradeTo: downgradeInfo?.enabled ? downgradeInfo.targetVersion : undefined,
  };
}
