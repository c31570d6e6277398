import { hostsWith } from '../../cluster/cluster.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { parallel } from '../../lib/parallel.ts';
import { stateFolder } from '../../render/paths.ts';
import { etcdReady, waitForHost } from '../gates.ts';
import { lockGuard } from '../lock.ts';
import type { Work } from './work.ts';

/** Waits for the quorum of a new cluster and notes on every member's host that it was formed: from then on it is never bootstrapped again. */
export async function formEtcd(work: Work): Promise<void> {
  await parallel(hostsWith(work.cluster, 'etcd'), async (spec) => {
    await waitForHost(work, spec, [etcdReady]);
    const script = `${lockGuard(work.token)}\ndate -u +%FT%TZ > ${stateFolder}/formed && sync -d ${stateFolder}/formed`;
    expectSuccess(await work.hosts.get(spec.name)!.run(script, { signal: work.signal }), 'noting that the etcd cluster was formed');
  });
  work.progress({ type: 'note', title: `etcd has its quorum: ${hostsWith(work.cluster, 'etcd').length} members answer consistent reads` });
}
