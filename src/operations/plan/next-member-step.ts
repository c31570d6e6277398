import { KubekeepError } from '../../lib/errors.ts';

/** An etcd member as the members see it; `id` in hex. A member that was added and never started has no name. */
export interface MemberView {
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface JoiningHost {
  readonly name: string;
  readonly peerUrl: string;
  /** There is a member's data on the host. */
  readonly hasData: boolean;
  /** `starting`: its unit runs and has not got through to its cluster, as one that was removed from it never does. */
  readonly etcd: 'stopped' | 'starting' | 'serving';
  /** Peer URLs of the other hosts of the cluster file. */
  readonly others: readonly string[];
}

/** One change of the membership. After each of them the cluster can lose the host again without losing the quorum. */
export type MemberStep =
  | { readonly do: 'remove'; readonly id: string; readonly why: string }
  | { readonly do: 'set-data-aside'; readonly why: string }
  | { readonly do: 'add-learner'; readonly why: string }
  | { readonly do: 'start'; readonly why: string }
  | { readonly do: 'promote'; readonly id: string; readonly why: string }
  | { readonly do: 'nothing' };

/**
 * The next step that makes `host` a voting member again. Called again after every step with what is then seen, so that it goes on wherever an
 * earlier run was cut. Invariants: never two members for one peer URL; never a member with lost data kept under its old id (etcd forbids it: such a
 * member could vote twice); a dead voter is removed before the new one is added (adding first would raise the quorum); a new member never votes
 * before it has caught up.
 */
export function nextMemberStep(members: readonly MemberView[], host: JoiningHost): MemberStep {
  const mine = members.filter(({ name, peerUrls }) => name === host.name || peerUrls.includes(host.peerUrl));
  if (mine.length > 1) throw new KubekeepError('unsupported-change', `etcd lists ${mine.length} members for ${host.name}`, { hint: 'Remove the wrong one with etcdctl member remove, then run kubekeep apply again.' });
  const [member] = mine;
  if (!member) return admit(members, host);
  const started = member.name !== '';
  if (started && !host.hasData) return { do: 'remove', id: member.id, why: `${host.name} has lost its data and cannot come back under its old id` };
  if (!started && host.hasData && host.etcd === 'stopped') return { do: 'remove', id: member.id, why: `${host.name} was added and cannot start on the data that it has` };
  // One that runs without data was started for something else and is started anew.
  if (host.etcd === 'stopped' || !host.hasData) return { do: 'start', why: started ? `${host.name} is stopped` : `${host.name} was added and has not started yet` };
  return member.isLearner ? { do: 'promote', id: member.id, why: `${host.name} is a learner` } : { do: 'nothing' };
}

/** For a host that is no member. */
function admit(members: readonly MemberView[], host: JoiningHost): MemberStep {
  if (host.hasData && host.etcd === 'serving') {
    throw new KubekeepError('unsupported-change', `${host.name} runs an etcd that is not a member of this cluster`, { hint: 'Stop it and move its data directory away, then run kubekeep apply again.' });
  }
  if (host.hasData) return { do: 'set-data-aside', why: `${host.name} has the data of a member that is not in the cluster` };
  const learner = members.find(({ isLearner }) => isLearner);
  if (!learner) return { do: 'add-learner', why: `${host.name} is not a member` };
  // etcd takes one learner at a time. An earlier run left this one; it has no vote, and its own host adds it again.
  if (learner.peerUrls.some((url) => host.others.includes(url))) return { do: 'remove', id: learner.id, why: `the learner ${learner.name || learner.peerUrls.join(', ')} was left by an earlier run and is in the way` };
  throw new KubekeepError('unsupported-change', `etcd has a learner that is not in the cluster file: ${learner.peerUrls.join(', ')}`, { hint: 'Promote or remove it with etcdctl, then run kubekeep apply again.' });
}
