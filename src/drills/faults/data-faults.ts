import { hostsWith, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import { quote } from '../../hosts/quote.ts';
import { etcdDataFolder } from '../../render/paths.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { leavesFor } from '../../pki/leaves.ts';
import { etcdLeader, othersWith, vipHolder, type Stage } from '../stage.ts';
import { aimAtHosts, runAll } from './_on-hosts.ts';
import { applyToEnd } from './_apply-to-end.ts';
import type { Aim, Fault } from './fault.ts';

const labOnly = 'is undone by apply, so nothing would undo it if kubekeep were killed';

const forget = `rm -rf ${etcdDataFolder}.drill`;
/** Once more does no harm: what was set aside first stays. */
const setAside = `systemctl stop etcd.service; [ -e ${etcdDataFolder}.drill ] || [ ! -e ${etcdDataFolder} ] || mv ${etcdDataFolder} ${etcdDataFolder}.drill`;

/** Changes a byte of every value that a drill has written: bbolt has no checksum over what it stores. Fails where there is none. */
const changeValues = `
  open my $file, '+<:raw', $ARGV[0] or die "$ARGV[0]: $!"; local $/; my $data = <$file>; my $count = 0;
  while ($data =~ /value of /g) { seek $file, pos($data) - 9, 0; print $file 'walue of '; $count++ }
  close $file; exit($count ? 0 : 1);`;

/** Files that are lost, damaged or wrong. What kubekeep does about it is `apply`, and so is the undo. */
export const dataFaults: readonly Fault[] = [
  {
    id: 'E12', title: 'the data of an etcd follower is lost', component: 'etcd', needs: 'the data folder of one member moved aside, and room for a second copy', labOnly, seconds: 5, obstacle: needsThreeMembers,
    aim: (stage) => followerUntilApply(stage, `${forget}; ${setAside} && systemctl start --no-block etcd.service`, { after: forget }),
  },
  {
    id: 'E13', title: "an etcd follower's data was changed behind its back", component: 'etcd', needs: 'a few bytes changed in the data of one member that is stopped, and room for a second copy', labOnly, seconds: 10, obstacle: needsThreeMembers,
    aim: (stage) => followerUntilApply(stage, `${forget}; systemctl stop etcd.service; perl -e ${quote(changeValues)} ${etcdDataFolder}/member/snap/db; found=$?; systemctl start --no-block etcd.service; exit $found`, { before: setAside, after: forget }),
  },
  {
    id: 'A7', title: 'an API server restarts with an expired certificate', component: 'API server', needs: 'two files changed on one host', labOnly, seconds: 8,
    obstacle: needsSecondServer,
    async aim(stage) {
      const [server] = othersWith(stage, 'control-plane') as [HostSpec];
      return { ...untilApply(stage, server, `the API server of ${server.name}`, ''), inject: () => restartWith(stage, server, { from: -2, days: 365 }) };
    },
  },
  {
    id: 'A7-early', title: 'an API server restarts with a certificate that is valid from next year on', component: 'API server', needs: 'two files changed on one host', labOnly, seconds: 8, obstacle: needsSecondServer,
    async aim(stage) {
      const [server] = othersWith(stage, 'control-plane') as [HostSpec];
      return { ...untilApply(stage, server, `the API server of ${server.name}`, ''), inject: () => restartWith(stage, server, { from: 1, days: 365 }) };
    },
  },
  {
    id: 'K4-missing', title: 'what tells keepalived of HAProxy is removed and killed on the VIP holder', component: 'keepalived', needs: 'a file moved on one host, and a timer there that puts it back', seconds: 10, obstacle: () => undefined,
    async aim(stage) {
      const holder = await vipHolder(stage);
      const script = '/etc/kubekeep/lb-alive.sh';
      return aimAtHosts(stage, [holder], `${holder.name}, which holds the VIP`, {
        inject: `mv ${script} ${script}.before-drill && systemctl kill --kill-whom=all -s KILL kubekeep-lb-alive.service`,
        undo: `[ ! -e ${script}.before-drill ] || mv ${script}.before-drill ${script}; systemctl restart --no-block kubekeep-lb-alive.service`,
      });
    },
  },
  {
    id: 'N5', title: 'the clock of one host is an hour ahead', component: 'host', needs: 'a clock of its own on a machine', seconds: 0,
    obstacle: () => "lab machines are containers: their clock is this computer's", aim: unavailable,
  },
];

interface ByHand {
  readonly before?: string;
  readonly after?: string;
}

async function followerUntilApply(stage: Stage, inject: string, byHand: ByHand): Promise<Aim> {
  const [follower] = othersWith(stage, 'etcd', await etcdLeader(stage)) as [HostSpec];
  return untilApply(stage, follower, `the member of ${follower.name}, which follows`, inject, byHand);
}

/** The undo is what a user would do: `apply` finds what is wrong and mends it, where `status` says so after something by hand (`before`). */
function untilApply(stage: Stage, victim: HostSpec, about: string, inject: string, { before = ':', after = ':' }: ByHand = {}): Aim {
  return {
    about,
    hosts: [victim.name],
    undoneLast: true,
    inject: () => runAll(stage, [victim], () => inject),
    undo: async () => {
      await runAll(stage, [victim], () => before);
      await applyToEnd(stage);
      await runAll(stage, [victim], () => after);
    },
  };
}

/** `from` is years from now. */
async function restartWith(stage: Stage, server: HostSpec, { from, days }: { readonly from: number; readonly days: number }): Promise<void> {
  const { cluster, hosts, clock } = stage.operation;
  const leaf = leavesFor(cluster, server).find(({ name }) => name === 'apiserver')!;
  const year = 365 * 86_400_000;
  const wrong = await issueLeaf(leaf, stage.secrets.authorities.kubernetes, { now: clock.now() + from * year, days });
  await hosts.get(server.name)!.write([
    { path: leaf.keyPath, mode: 0o600, content: wrong.privateKey.reveal() },
    { path: leaf.certificatePath, mode: 0o644, content: wrong.certificate },
  ]);
  await runAll(stage, [server], () => 'systemctl restart kube-apiserver.service');
}

function needsThreeMembers(cluster: Cluster): string | undefined {
  return hostsWith(cluster, 'etcd').length >= 3 ? undefined : 'with fewer than three etcd members this loses the cluster';
}

function needsSecondServer(cluster: Cluster): string | undefined {
  return hostsWith(cluster, 'control-plane').length > 1 ? undefined : 'there is one API server';
}

function unavailable(): never {
  throw new Error('a fault with an obstacle was aimed');
}
