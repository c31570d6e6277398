import { KubekeepError } from '../../lib/errors.ts';
import { reachable } from '../facts.ts';
import { observeHost } from '../observe.ts';
import { hasRunOut } from '../plan/members-together.ts';
import type { Step } from '../plan/step.ts';
import type { Work } from './work.ts';

/**
 * Members that restart together because none was ready: a computer that was only slow when it was looked at has a quorum to lose. Throws `quorum-risk` where one is ready now. Those whose
 * certificate has run out restart together all the same.
 */
export async function refuseReadyMembers({ cluster, hosts, prepared: { facts }, signal }: Pick<Work, 'cluster' | 'hosts' | 'prepared' | 'signal'>, steps: readonly Step[]): Promise<void> {
  const members = cluster.hosts.filter(({ name }) => {
    const found = facts.hosts.get(name);
    return steps.some(({ host, action }) => host === name && action === 'restart') && reachable(found) && !hasRunOut(found, facts.observedAt);
  });
  for (const spec of members) {
    const found = await observeHost(spec, hosts.get(spec.name)!, 10_000, signal);
    if (reachable(found) && found.etcd.ready) throw new KubekeepError('quorum-risk', `etcd is ready again on ${spec.name}: its members are not restarted together`, { hint: 'Run kubekeep apply again: it changes one host after the other.' });
  }
}
