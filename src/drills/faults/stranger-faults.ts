import { quote } from '../../hosts/quote.ts';
import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { labOf, othersWith, vipHolder, type Stage } from '../stage.ts';
import { background } from './_background.ts';
import { aimAtHosts } from './_on-hosts.ts';
import type { Aim, Fault } from './fault.ts';

const asked = { needs: 'perl on another host than the VIP holder', labOnly: 'lies to every machine of the network' };

/** Somebody in the network who says what is not true. */
export const strangerFaults: readonly Fault[] = [
  { id: 'K3', title: 'another machine answers for the VIP for 8 s', component: 'network', ...asked, seconds: 12, bothHold: 12, obstacle: needsSecondHost, aim: async (stage) => speakFrom(stage, (holder, vip) => [`claims ${vip}, which ${holder} holds`, `timeout 8 perl -e ${quote(claimVip)} ${vip} 40`]) },
  { id: 'N6-arp', title: 'one wrong answer for the VIP stays in the neighbours\' tables', component: 'network', ...asked, seconds: 12, obstacle: needsSecondHost, aim: async (stage) => speakFrom(stage, (holder, vip) => [`claims ${vip}, which ${holder} holds, once`, `perl -e ${quote(claimVip)} ${vip} 1`]) },
  { id: 'K3-vrrp', title: 'a router of others has the same VRRP id and a higher priority for 8 s', component: 'keepalived', ...asked, seconds: 12, obstacle: needsSecondHost, aim: claimRouterId },
];

/** From a host that does not hold the VIP, whose network it uses and nothing else. */
async function speakFrom(stage: Stage, say: (holder: string, vip: string) => readonly [about: string, script: string]): Promise<Aim> {
  const holder = await vipHolder(stage);
  const [from] = othersWith(stage, 'control-plane', holder).slice(0, 1);
  const [about, script] = say(holder.name, stage.operation.cluster.endpoint.vip);
  return aimAtHosts(stage, from ? [from] : [], `${from?.name} ${about}`, background('stranger', script));
}

/** Its adverts come from an address that no host has, to the group that VRRP is made for and to every balancer. */
async function claimRouterId(stage: Stage): Promise<Aim> {
  const { cluster } = stage.operation;
  const stranger = labOf(stage).gateway.replace(/\.\d+$/, '.254');
  const targets = ['224.0.0.18', ...hostsWith(cluster, 'load-balancer').map(({ address }) => address)];
  return speakFrom(stage, (holder, vip) => [`sends adverts in the name of ${stranger}, while ${holder} holds the VIP`, `id=$(sed -n 's/^ *virtual_router_id //p' /etc/kubekeep/keepalived.conf); timeout 8 perl -e ${quote(advertise)} $id ${vip} ${stranger} ${targets.join(' ')}`]);
}

function needsSecondHost({ hosts }: Cluster): string | undefined {
  return hosts.length > 1 ? undefined : 'there is only one host';
}

/** Gratuitous ARP, both as a question and as an answer, with this machine's own hardware address: ARGV is the VIP and how often, five a second. */
const claimVip = `
use strict; use Socket; use Time::HiRes qw(sleep);
my ($vip, $times) = @ARGV;
my ($interface) = \`ip -o route get $vip\` =~ / dev (\\S+)/ or die;
sub of { open my $file, "<", "/sys/class/net/$interface/$_[0]" or die; chomp(my $line = <$file>); $line }
my $mac = pack "H*", of("address") =~ s/://gr;
socket my $wire, 17, SOCK_RAW, unpack("S", pack "n", 0x0806) or die $!;
my $everybody = "\\xff" x 6;
my $target = pack "S n i S C C a8", 17, 0x0806, of("ifindex"), 1, 0, 6, $everybody;
for (1..$times) {
  for my $operation (1, 2) {
    my $frame = $everybody . $mac . pack("n", 0x0806) . pack("n n C C n", 1, 0x0800, 6, 4, $operation) . $mac . inet_aton($vip) . $everybody . inet_aton($vip);
    send $wire, $frame, 0, $target or die $!;
  }
  sleep 0.2;
}`;

/** VRRPv3 adverts with priority 254 every 100 ms: ARGV is the router id, the VIP, the sender and the receivers. */
const advertise = `
use strict; use Socket; use Time::HiRes qw(sleep);
my ($id, $vip, $from, @to) = @ARGV;
socket my $wire, PF_INET, SOCK_RAW, 112 or die $!;
setsockopt $wire, 0, 3, pack("i", 1) or die $!;
sub checksum { my ($data) = @_; my $sum = 0; $sum += $_ for unpack "n*", $data; $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16; ~$sum & 0xffff }
while (1) {
  for my $to (@to) {
    my $advert = sub { pack("C C C C n n", 0x31, $id, 254, 1, 10, $_[0]) . inet_aton($vip) };
    my $pseudo = inet_aton($from) . inet_aton($to) . pack("C C n", 0, 112, 12);
    my $body = $advert->(checksum($pseudo . $advert->(0)));
    send $wire, pack("C C n n n C C n a4 a4", 0x45, 0xc0, 20 + length $body, 0, 0, 255, 112, 0, inet_aton($from), inet_aton($to)) . $body, 0, sockaddr_in(0, inet_aton($to));
  }
  sleep 0.1;
}`;
