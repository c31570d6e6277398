import { parseVersion } from '../../cluster/versions.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';

/** Throws `unsupported-change` where the cluster file's etcd could not read the data of the members, by its minor version. `data`: undefined where nobody could be asked. */
export function refuseOlderEtcd({ etcd: { version } }: Cluster, data: string | undefined): void {
  const [wanted, found] = [parseVersion(version), parseVersion(data ?? '')];
  if (!wanted || !found || wanted[0] * 1000 + wanted[1] >= found[0] * 1000 + found[1]) return;
  throw new KubekeepError('unsupported-change', `etcd's data is of version ${found[0]}.${found[1]}, and etcd ${version} cannot read it`, { hint: `Set spec.etcd.version in the cluster file back to a version ${found[0]}.${found[1]}.x.` });
}
