import { quote } from '../../hosts/quote.ts';
import { othersWith, vipHolder, type Stage } from '../stage.ts';
import { background, burners } from './_background.ts';
import { aimAtHosts } from './_on-hosts.ts';
import type { Aim, Fault } from './fault.ts';

const always = () => undefined;
const fromOutside = {
  component: 'HAProxy',
  needs: 'perl on another host than the VIP holder',
  obstacle: ({ hosts }) => (hosts.length > 1 ? undefined : 'there is only one host'),
} as const satisfies Partial<Fault>;

/** Work that others do on the machines, or too much of it. */
export const loadFaults: readonly Fault[] = [
  {
    id: 'N4', title: 'two processes on every host use all the CPU that they get', component: 'host', needs: 'two shells that count, on every host, with a time limit of their own', seconds: 20, obstacle: always,
    aim: async (stage) => aimAtHosts(stage, stage.operation.cluster.hosts, 'every host', burners(2)),
  },
  {
    id: 'N4-memory', title: 'a process on the VIP holder takes 300 MB of memory in steps', component: 'host', needs: 'perl on one host', seconds: 10, obstacle: always,
    async aim(stage) {
      const holder = await vipHolder(stage);
      return aimAtHosts(stage, [holder], `${holder.name}, which holds the VIP`, background('memory', `timeout 60 perl -e 'for (1..30) { push @all, "x" x 1e7; select undef, undef, undef, 0.2 } sleep 60'`));
    },
  },
  { ...fromOutside, id: 'H5', title: '400 connections to the VIP that say nothing', seconds: 15, aim: async (stage) => call(stage, 400, 'sleep 60') },
  { ...fromOutside, id: 'H5-slow', title: '400 connections to the VIP that say one byte a second', seconds: 20, aim: async (stage) => call(stage, 400, slowly) },
  { ...fromOutside, id: 'H5-full', title: 'connections to the VIP until HAProxy takes no more, for 10 s', seconds: 12, aim: fill },
];

/** The beginning of a TLS handshake of 512 bytes that does not end. */
const slowly = 'for my $byte (unpack "C*", "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03" . "x" x 60) { syswrite $_, chr $byte for @all; sleep 1 }';

/** Connections from a host that does not hold the VIP, open for a minute or until the undo. */
async function call(stage: Stage, count: number, then: string, limit = 60): Promise<Aim> {
  const [from] = othersWith(stage, 'control-plane', await vipHolder(stage)).slice(0, 1);
  const { vip, port } = stage.operation.cluster.endpoint;
  const script = `$SIG{PIPE} = "IGNORE"; for (1..${count}) { my $s = IO::Socket::INET->new(PeerAddr => "${vip}", PeerPort => ${port}, Timeout => 2); push @all, $s if $s } ${then}`;
  return aimAtHosts(stage, from ? [from] : [], `from ${from?.name} to ${vip}`, background('calls', `timeout ${limit} perl -MIO::Socket::INET -e ${quote(script)}`));
}

/** A hundred more than the holder's HAProxy says that it takes. */
async function fill(stage: Stage): Promise<Aim> {
  const holder = await vipHolder(stage);
  const { stdout } = await stage.operation.hosts.get(holder.name)!.run(`sed -n 's/^ *maxconn //p' /etc/kubekeep/haproxy.cfg | head -n 1`);
  return call(stage, Number(stdout.trim()) + 100, 'sleep 60', 10);
}
