import { hostsWith } from '../../cluster/cluster.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { toKubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { etcdOf } from '../../operations/clients.ts';
import { preparePlan } from '../../operations/prepare-plan.ts';
import { stepsOf } from '../../operations/plan/plan.ts';
import { keeperFolder } from '../../render/paths.ts';
import type { Log } from '../history/log.ts';
import type { Look } from '../history/record.ts';
import type { Stage } from '../stage.ts';

/** What `plan` would do now, as a record. Changes nothing. */
export async function lookAtPlan({ operation }: Stage, log: Log): Promise<void> {
  const look = await seen('plan', 'the cluster', async () => {
    const { plan, facts } = await preparePlan({ ...operation, signal: new AbortController().signal });
    return { through: `${facts.hosts.size} hosts`, found: stepsOf(plan).map(({ id, reasons }) => `${id}: ${reasons.join(', ')}`), ...(plan.warnings.length > 0 && { error: plan.warnings.join('; ') }) };
  });
  log.add({ ...look, at: log.now() });
}

/**
 * What a drill may have left: on each host units, rules, files with "drill" in their names, addresses; and members of etcd that are no hosts of the cluster
 * file. The namespaces of a drill's objects are removed when all its runs are over, and are not looked for.
 */
export async function lookForLeftovers(stage: Stage, log: Log): Promise<void> {
  const { cluster, hosts } = stage.operation;
  const looks = await parallel(cluster.hosts, ({ name }) => seen('leftovers', name, async () => {
    const { stdout } = expectSuccess(await hosts.get(name)!.run(leftoversScript, { timeout: 30_000 }), 'looking for what a drill left');
    return { through: 'units, nftables, files', found: stdout.split('\n').filter((line) => line !== '') };
  }));
  const members = await seen('leftovers', 'etcd', () => strangeMembers(stage));
  for (const look of [...looks, members]) log.add({ ...look, at: log.now() });
}

async function strangeMembers({ operation: { cluster, hosts, clock }, secrets }: Stage): Promise<Pick<Look, 'through' | 'found'>> {
  const specs = hostsWith(cluster, 'etcd');
  const [first] = specs as [(typeof specs)[number]];
  let client: EtcdClient | undefined;
  try {
    client = await etcdOf(first, hosts.get(first.name)!, secrets, clock.now());
    const members = await client.members();
    const strange = members.filter(({ name, isLearner }) => isLearner || !specs.some((spec) => spec.name === name)).map(({ name, id, isLearner }) => `${isLearner ? 'learner' : 'member'} ${name || id}`);
    const missing = specs.filter(({ name }) => !members.some((member) => member.name === name)).map(({ name }) => `${name} is no member any more`);
    return { through: `${members.length} members`, found: [...strange, ...missing] };
  } finally {
    client?.close();
  }
}

/** A look that failed is a record, too: nothing was seen then. */
async function seen(about: Look['about'], place: string, look: () => Promise<Pick<Look, 'through' | 'found' | 'error'>>): Promise<Omit<Look, 'at'>> {
  try {
    return { kind: 'look', about, place, ...(await look()) };
  } catch (caught) {
    return { kind: 'look', about, place, through: 'nothing', found: [], error: toKubekeepError(caught).message };
  }
}

/** One thing a line. What faults use has "drill" in its name: units `kubekeep-drill-…`, the table `kubekeep_drill`, files `….before-drill`, `….drill`. kubekeep itself has drills. */
const leftoversScript = `
{ systemctl list-units --all --plain --no-legend --no-pager 'kubekeep-drill*'; systemctl list-unit-files --no-legend --no-pager 'kubekeep-drill*'; } | awk '{ print "unit " $1 }' | sort -u
nft list tables | grep -i drill || :
ip -o link show | grep -io '[^ ]*drill[^ ]*' || :
find /etc /run /var/lib /var/tmp /tmp /opt/kubekeep /dev/shm -xdev \\( -path /var/lib/dpkg -o -path ${keeperFolder} \\) -prune -o -iname '*drill*' -print 2>/dev/null | sort || :
`;
