import type { EtcdStatus } from '../../clients/etcd/etcd-status.ts';

/** What is known of a member that answers. */
export interface Candidate {
  readonly status: Pick<EtcdStatus, 'member' | 'leader' | 'isLearner' | 'revision'>;
  /** A linearizable read succeeded: it is in touch with a quorum, and had then all that was acknowledged before. */
  readonly reads: boolean;
  /** The newest base from it had other data than most members. */
  readonly diverged: boolean;
  /** The newest good base came from it: most of its pages are stored. Those of another member lie elsewhere in its file, so that nearly all of them were new. */
  readonly stored: boolean;
}

/** Which member to take a snapshot from: one that has what the cluster has, then one whose last base had what the others have, then one that does not lead, so that the leader has less to do, then the one before. */
export function chooseMember<T extends Candidate>(candidates: readonly T[]): T | undefined {
  return candidates.toSorted((one, other) => compare(rank(one), rank(other)))[0];
}

/** Smaller is better, the first difference decides. */
function rank({ status: { member, leader, isLearner, revision }, reads, diverged, stored }: Candidate): readonly number[] {
  return [reads ? 0 : 1, isLearner ? 1 : 0, diverged ? 1 : 0, reads && member === leader ? 1 : 0, reads && stored ? 0 : 1, -revision];
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}
