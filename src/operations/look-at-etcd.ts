import { hostsWith } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';
import { etcdOf } from './clients.ts';
import { reachable, type ClusterFacts } from './facts.ts';
import type { Operation } from './operation.ts';
import type { MemberView } from './plan/next-member-step.ts';

/** What etcd says of itself, and files on the hosts do not tell: it reads their list of members once, when it is founded or joined. */
export interface EtcdLook {
  readonly members: readonly MemberView[];
  /** Version of the data, which an older etcd cannot read. */
  readonly storageVersion: string;
}

/** As the first member says that was seen to be ready; undefined where none is, or it does not answer. */
export async function lookAtEtcd({ cluster, hosts, clock, signal }: Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal'>, facts: Pick<ClusterFacts, 'hosts'>, secrets: ClusterSecrets): Promise<EtcdLook | undefined> {
  const spec = hostsWith(cluster, 'etcd').find(({ name }) => {
    const found = facts.hosts.get(name);
    return reachable(found) && found.etcd.ready;
  });
  if (!spec) return undefined;
  try {
    const client = await etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now());
    try {
      const [members, { storageVersion }] = await Promise.all([client.members({ stale: true, signal }), client.status({ signal })]);
      return { members, storageVersion };
    } finally {
      client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KubekeepError) return undefined;
    throw error;
  }
}
