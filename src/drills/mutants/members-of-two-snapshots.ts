import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { configFolder, etcdDataFolder } from '../../render/paths.ts';
import { apiThroughVip } from '../api-through-vip.ts';
import { runAll } from '../faults/_on-hosts.ts';
import { changed, replaceOnce, rewritten } from '../setups/_changed.ts';
import type { Stage } from '../stage.ts';
import type { SetupMutant } from './mutant.ts';

const path = '/api/v1/namespaces/default/configmaps';
const name = 'kubekeep-mutant';
/** Of one length, so that one can take the other's place in the database. */
const [kept, other] = ['value-of-snapshot-1', 'value-of-snapshot-2'];

/**
 * A restore in which one member was given another snapshot than the rest: one value of one object is another one there, at the same revision. etcd's own check at its
 * start, which would refuse that, is off.
 */
export const membersOfTwoSnapshots: SetupMutant = {
  kind: 'set-up',
  id: 'M8',
  title: 'the members of etcd come from two snapshots',
  fault: 'E1',
  caughtBy: 'C-hash',
  renderers: changed({ etcd: (design) => rewritten(design, `${configFolder}/etcd.yaml`, (text) => replaceOnce(text, 'InitialCorruptCheck=true', 'InitialCorruptCheck=false')) }),
  obstacle: (cluster) => (hostsWith(cluster, 'etcd').length < 3 ? 'with fewer than three etcd members none can be replaced afterwards' : undefined),
  async spoil(stage) {
    const members = hostsWith(stage.operation.cluster, 'etcd');
    const victim = members.at(-1)!;
    await apiThroughVip(stage, (api) => api.post(path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: kept } }));
    await restart(stage, members, victim, `perl -0777 -pi -e 's/${kept}/${other}/g' ${etcdDataFolder}/member/snap/db && grep -q ${other} ${etcdDataFolder}/member/snap/db`);
    await stage.healthy();
    return () => replaceMember(stage, victim);
  },
};

/** An orderly stop leaves everything in the database. All start at once: a member that starts alone waits for the others. */
async function restart(stage: Stage, members: readonly HostSpec[], victim: HostSpec, change: string): Promise<void> {
  await runAll(stage, members, () => 'systemctl stop etcd.service');
  await runAll(stage, [victim], () => change);
  await runAll(stage, members, () => 'systemctl start --no-block etcd.service');
}

/** The member loses its data; `apply` gives it that of the others. */
async function replaceMember(stage: Stage, victim: HostSpec): Promise<void> {
  await runAll(stage, [victim], () => `systemctl stop etcd.service; rm -rf ${etcdDataFolder}/member; systemctl start --no-block etcd.service`);
  await apiThroughVip(stage, (api) => api.delete(`${path}/${name}`));
}
