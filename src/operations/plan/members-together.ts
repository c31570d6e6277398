import { X509Certificate } from 'node:crypto';
import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { pkiFolder } from '../../render/paths.ts';
import type { HostFacts } from '../facts.ts';
import { isFromBefore } from './is-from-before.ts';
import type { SeenHost, Step } from './step.ts';

/**
 * Those of etcd's steps that are performed on all hosts together, before everything else. Members that are down start so: that endangers nothing and may be what brings the quorum back. Others restart so
 * where one by one would not do:
 * - No member is ready. There is no quorum to lose, and a member that starts says that it is up when a majority is: each would wait for the next.
 * - Their certificates have run out. A member with a new certificate refuses them and is refused by them, so that the first that is changed is out of the cluster until a majority has followed.
 */
export function membersTogether(cluster: Cluster, seen: readonly SeenHost[], etcd: readonly Step[], now: number): Step[] {
  const members = hostsWith(cluster, 'etcd').length;
  const all = seen.map(({ found }) => found);
  const found = new Map(seen.map((one) => [one.host.name, one.found]));
  const own = etcd.filter(({ host }) => found.get(host)!.etcd.hasData && !isFromBefore(found.get(host)!, all));
  const starts = own.filter(({ action }) => action === 'start');
  const fit = seen.filter((one) => (one.found.etcd.ready && !hasRunOut(one.found, now)) || starts.some(({ host }) => host === one.host.name));
  if (members === 1 || fit.length > members / 2) return starts;
  const noneReady = all.every(({ etcd: { ready } }) => !ready);
  return own.flatMap((step) => {
    if (step.action === 'start') return [step];
    return step.action === 'restart' && (noneReady || hasRunOut(found.get(step.host)!, now)) ? [{ ...step, effect: noneReady ? 'no member is ready: nothing that serves is touched' : withoutQuorum }] : [];
  });
}

const withoutQuorum = 'etcd has no quorum for some seconds: its certificate has run out, and members with an old and a new one refuse each other';

/** Whether other members refuse this one by its certificate's time. */
export function hasRunOut({ certificates }: HostFacts, now: number): boolean {
  try {
    const { validFromDate, validToDate } = new X509Certificate(certificates.get(`${pkiFolder}/etcd/peer.crt`) ?? '');
    return now > validToDate.getTime() || now < validFromDate.getTime();
  } catch {
    // Missing or broken: the member runs on with what it read at its start, which nobody knows.
    return false;
  }
}
