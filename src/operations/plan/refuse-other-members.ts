import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { MemberView } from './next-member-step.ts';

/**
 * Throws `unsupported-change` where the cluster file has other etcd hosts than the cluster: their number stays as it was founded with. A host keeps its name when its machine is replaced, also at another address; one
 * that is just being replaced is missing among the members. `members`: undefined where nobody could be asked.
 */
export function refuseOtherMembers(cluster: Cluster, members: readonly MemberView[] | undefined): void {
  if (!members) return;
  const hosts = hostsWith(cluster, 'etcd');
  const strangers = members.filter(({ name, peerUrls }) => !hosts.some((host) => host.name === name || peerUrls.includes(`https://${host.address}:2380`)));
  const lacking = hosts.length - members.length + strangers.length;
  const named = strangers.map(({ name, peerUrls }) => name || peerUrls.join(', ')).toSorted().join(', ');
  const are = strangers.length === 1 ? 'is a member' : 'are members';
  if (strangers.length > 0 && lacking > 0) {
    throw new KubekeepError('unsupported-change', `${named} ${are} of etcd and not in the cluster file, which has others in their place`, { hint: `A machine is replaced under the name of the old one: call the new one ${named} in the cluster file, at its own address, then run kubekeep apply.` });
  }
  if (strangers.length > 0) {
    throw new KubekeepError('unsupported-change', `${named} ${are} of etcd and not in the cluster file: apply removes none, and without them the others may be no majority`, { hint: `Put ${named} back into the cluster file. A cluster with fewer members is made with kubekeep backup run, kubekeep destroy with the old cluster file, and kubekeep restore cluster --at latest with the new one and KUBEKEEP_IDENTITY set to the identity that destroy keeps.` });
  }
  // One at a time leaves the cluster to be replaced.
  if (lacking > 1) {
    throw new KubekeepError('unsupported-change', `etcd has ${members.length} ${members.length === 1 ? 'member' : 'members'}, the cluster file has ${hosts.length} hosts with the role etcd, and apply adds no members`, { hint: 'Make a restore of it: kubekeep backup run, then kubekeep restore cluster --at latest with this cluster file. Clients are cut off for about half a minute.' });
  }
}
