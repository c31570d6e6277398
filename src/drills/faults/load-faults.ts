import { quote } from '../../hosts/quote.ts';
import { othersWith, vipHolder } from '../stage.ts';
import { aimAtHosts } from './_on-hosts.ts';
import type { Fault } from './fault.ts';

const always = () => undefined;

/** Work that others do on the machines, or too much of it. */
export const loadFaults: readonly Fault[] = [
  {
    id: 'N4', title: 'two processes on every host use all the CPU that they get', component: 'host', needs: 'two shells that count, on every host, with a time limit of their own', seconds: 20, obstacle: always,
    aim: async (stage) => aimAtHosts(stage, stage.operation.cluster.hosts, 'every host', background('for i in 1 2; do timeout 60 sh -c "while :; do :; done" & done; wait')),
  },
  {
    id: 'N4-memory', title: 'a process on the VIP holder takes 300 MB of memory in steps', component: 'host', needs: 'perl on one host', seconds: 10, obstacle: always,
    async aim(stage) {
      const holder = await vipHolder(stage);
      return aimAtHosts(stage, [holder], `${holder.name}, which holds the VIP`, background(`timeout 60 perl -e 'for (1..30) { push @all, "x" x 1e7; select undef, undef, undef, 0.2 } sleep 60'`));
    },
  },
  {
    id: 'H5', title: '400 connections to the VIP that say nothing', component: 'HAProxy', needs: 'perl on another host than the VIP holder', seconds: 15,
    obstacle: ({ hosts }) => (hosts.length > 1 ? undefined : 'there is only one host'),
    async aim(stage) {
      const [from] = othersWith(stage, 'control-plane', await vipHolder(stage));
      const { vip, port } = stage.operation.cluster.endpoint;
      return aimAtHosts(stage, from ? [from] : [], `from ${from?.name} to ${vip}`, background(`timeout 60 perl -MIO::Socket::INET -e 'for (1..400) { my $s = IO::Socket::INET->new(PeerAddr => "${vip}", PeerPort => ${port}, Timeout => 2); push @all, $s if $s } sleep 60'`));
    },
  },
];

/** A unit of its own, so that nothing of it can outlive its time limit or the undo. */
function background(script: string) {
  return {
    inject: `systemd-run --quiet --collect --unit=kubekeep-drill-load sh -c ${quote(script)}`,
    undo: 'systemctl stop kubekeep-drill-load.service 2>/dev/null || :',
  };
}
