import type { Segment } from '../../backup/format/segment.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { KubekeepError } from '../../lib/errors.ts';

/** ms between two times at which all leases get their whole time again. */
const renewEvery = 1000;
/** Where nobody learnt what a lease was granted for: it ended at once. */
const unknownLease = 60;

/**
 * Writes the revisions of a log into an etcd that has all before them, each as one transaction, so that keys, values, versions and revisions are those of then. Leases are kept alive meanwhile: what
 * they ended stands in the log. Throws `data-damaged` where etcd gives a revision another number.
 */
export async function replayLog(etcd: EtcdClient, segments: AsyncIterable<Segment>, { signal, onRevision }: { readonly signal: AbortSignal; readonly onRevision: (revision: number) => void }): Promise<void> {
  const granted = new Set<bigint>();
  let renewed = -Infinity;
  for await (const { records, leases } of segments) {
    for (const { revision, changes } of records) {
      if (performance.now() - renewed >= renewEvery) {
        await etcd.renewLeases({ signal });
        renewed = performance.now();
      }
      for (const { lease, value } of changes) {
        if (lease === 0n || !value || granted.has(lease)) continue;
        await etcd.grantLease(lease, leases.get(lease) ?? unknownLease, { signal });
        granted.add(lease);
      }
      const made = await etcd.commit(changes, { signal });
      if (made !== revision) throw new KubekeepError('data-damaged', `replaying the log, revision ${revision} became ${made}`);
      onRevision(revision);
    }
  }
}
