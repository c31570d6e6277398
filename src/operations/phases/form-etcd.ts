import { hostsWith } from '../../cluster/cluster.ts';
import { parallel } from '../../lib/parallel.ts';
import { etcdReady, waitForHost } from '../gates.ts';
import { noteOn } from './note-on.ts';
import type { Work } from './work.ts';

/** Waits until every member of a new cluster answers, then notes on all their hosts that it was formed: from then on it is never bootstrapped again. */
export async function formEtcd(work: Work): Promise<void> {
  const members = hostsWith(work.cluster, 'etcd');
  await parallel(members, (spec) => waitForHost(work, spec, [etcdReady]));
  await parallel(members, (spec) => noteOn(work, spec, ['formed']));
  work.progress({ type: 'note', title: `etcd has its quorum: ${members.length} members answer consistent reads` });
}
