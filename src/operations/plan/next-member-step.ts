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
  readonly running: boolean;
}

/** One change of the membership. After each of them the cluster can lose the host again without losing the quorum. */
export type MemberStep =
  | { readonly do: 'remove'; readonly id: string; readonly why: string }
  | { readonly do: 'add-learner'; readonly why: string }
  | { readonly do: 'start'; readonly why: string }
  | { readonly do: 'promote'; readonly id: string; readonly why: string }
  | { readonly do: 'nothing' };

/**
 * The next step that makes `host` a voting member again. Called again after every step with what is then seen, so that it goes on wherever an
 * earlier run was cut. Invariant: never two members for one peer URL, never a member with lost data kept under its old id (etcd forbids it: such a
 * member could vote twice), the dead one is removed before the new one is added (adding first would raise the quorum).
 */
export function nextMemberStep(members: readonly MemberView[], host: JoiningHost): MemberStep {
  const mine = members.filter(({ name, peerUrls }) => name === host.name || peerUrls.includes(host.peerUrl));
  if (mine.length > 1) throw new KubekeepError('unsupported-change', `etcd lists ${mine.length} members for ${host.name}`, { hint: 'Remove the wrong one with etcdctl member remove, then run kubekeep apply again.' });
  const [member] = mine;
  if (!member) {
    if (host.hasData && host.running) throw new KubekeepError('unsupported-change', `${host.name} runs an etcd that is not a member of this cluster`, { hint: 'Stop it and move its data directory away, then run kubekeep apply again.' });
    return { do: 'add-learner', why: `${host.name} is not a member` };
  }
  const started = member.name !== '';
  if (started && !host.hasData) return { do: 'remove', id: member.id, why: `${host.name} has lost its data and cannot come back under its old id` };
  if (!host.running) return { do: 'start', why: started ? `${host.name} is stopped` : `${host.name} was added and has not started yet` };
  return member.isLearner ? { do: 'promote', id: member.id, why: `${host.name} is a learner` } : { do: 'nothing' };
}
