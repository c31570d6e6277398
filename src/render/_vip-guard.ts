import { endpointVips, hostsWith } from '../cluster/cluster.ts';
import { hardening, soonUpAgain, unitFile } from './_unit-file.ts';
import type { DesiredFile, RenderInput } from './design.ts';
import { configFolder, unitFolder } from './paths.ts';

export const vipGuardUnit = 'kubekeep-vip-guard.service';
/** What the guard tells keepalived: 0, or -254 for a fault. */
export const vipGuardFile = '/run/kubekeep-vip-guard/verdict';

/** What the guard has to know of its neighbours on the host. */
export interface Guarded {
  /** HAProxy's state, 0 or -254. */
  readonly aliveFile: string;
  /** keepalived's process that speaks VRRP. */
  readonly vrrpPidFile: string;
  /** Seconds. */
  readonly advertInterval: number;
}

const script = `${configFolder}/vip-guard.pl`;

/**
 * Keeps two balancers from having the VIP where VRRP alone cannot: its adverts are lost, or the holder's keepalived hangs and leaves its address on the
 * interface. What it asks is ARP's own question, who has this address, without one of its own as RFC 5227's probe does (docs/decisions/0020).
 */
export function vipGuard({ cluster, host, facts }: RenderInput, { aliveFile, vrrpPidFile, advertInterval }: Guarded): readonly DesiredFile[] {
  const balancers = hostsWith(cluster, 'load-balancer');
  const before = balancers.slice(0, balancers.findIndex(({ name }) => name === host.name));
  const others = balancers.filter(({ name }) => name !== host.name);
  const list = (addresses: readonly string[]) => addresses.join(',') || 'none';
  const words = [facts.vipInterface, list(endpointVips(cluster)), list(others.map(({ address }) => address)), list(before.map(({ address }) => address)), aliveFile, vipGuardFile, vrrpPidFile, String(advertInterval), String(facts.virtualRouterId)];
  const file = (path: string, content: string): DesiredFile => ({ path, content, mode: 0o644, owner: 'root:root' });
  return [file(script, program), file(`${unitFolder}/${vipGuardUnit}`, unit(words))];
}

const unit = (words: readonly string[]) => unitFile({
  Unit: { Description: 'Keeps two balancers from having the VIP (kubekeep)', After: 'network-online.target', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
  Service: {
    Type: 'notify',
    ExecStart: `/usr/bin/perl ${script} ${words.join(' ')}`,
    // Without a guard VRRP alone decides.
    ExecStopPost: `/bin/sh -c 'echo 0 > ${vipGuardFile}'`,
    WatchdogSec: 5,
    RuntimeDirectory: 'kubekeep-vip-guard',
    RuntimeDirectoryPreserve: 'yes',
    ...soonUpAgain,
    // It asks by a packet socket, hears VRRP, and takes the VIP off where a keepalived that hangs does not.
    // It must be quicker than keepalived, which is a real-time task.
    CapabilityBoundingSet: 'CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_NICE',
    RestrictRealtime: 'no',
    SystemCallFilter: [...hardening.SystemCallFilter, 'sched_setscheduler'],
    RestrictAddressFamilies: 'AF_INET AF_UNIX AF_NETLINK AF_PACKET',
  },
  Install: { WantedBy: 'multi-user.target' },
});

const program = `# Managed by kubekeep. Tells keepalived to let go of the VIP, or to leave it, where another balancer has it.
# INTERFACE VIP,... OTHER,... BEFORE,... ALIVE VERDICT PID INTERVAL ROUTER: addresses of the other balancers, and of those that keep the VIP where this one has it too;
# the file in which HAProxy's state stands, the file for keepalived, the file with keepalived's process; seconds between two adverts; the virtual router id.
use strict; use warnings; use Socket; use Time::HiRes (); use subs 'time';
# Of the clock that nobody sets.
sub time () { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }
my ($interface, @lists) = splice @ARGV, 0, 4;
my @vips = split /,/, $lists[0];
my @others = grep { $_ ne 'none' } split /,/, $lists[1];
my %before = map { $_ => 1 } split /,/, $lists[2];
my ($alive, $verdict, $pid, $interval, $router) = @ARGV;
# Longer than adverts are apart, and shorter than VRRP waits for them.
my $silence = 1.5 * $interval;

sub interface { open my $file, '<', "/sys/class/net/$interface/$_[0]" or die "$interface: $!\\n"; chomp(my $line = <$file>); $line }
my ($mac, $index) = (hardware(), interface('ifindex'));
sub hardware { pack 'H*', interface('address') =~ s/://gr }
socket my $wire, 17, SOCK_RAW, unpack('S', pack 'n', 0x0806) or die "packet socket: $!\\n";
bind $wire, pack('S n i S C C a8', 17, 0x0806, $index, 0, 0, 0, '') or die "$interface: $!\\n";
socket my $vrrp, PF_INET, SOCK_RAW, 112 or die "VRRP: $!\\n";

# Address of another balancer by its hardware address, as it says itself; when it last answered for the VIP, and since when it has done so.
my (%named, %answered, %since);
# When an advert of another balancer came last, and since when they have come without a pause. Nothing is known at the start.
my ($advert, $adverts) = (time, time);
my ($now, $had, $heldSince) = (time, 0, 0);
my ($off, $offAt, $asked, $greeted, $watchdog, $faultAt) = (0, 0, 0, -10, 0, 0);

# Where the kernel refuses that, it goes on without.
system "/usr/bin/chrt --rr --pid 10 $$ > /dev/null 2>&1";
advise(0);
notify('READY=1');
while (1) {
  listen_for($now - $advert > 1.2 * $interval ? $interval / 5 : 0.4 * $interval);
  $now = time;
  my $held = held($vips[0]);
  cut_connections() if $had && !$held;
  # What was answered before says nothing about a second holder.
  if ($held && !$had) { $heldSince = $now; %answered = () }
  $had = $held;
  my $quiet = $now - $advert > $silence;
  my @holders = grep { $now - ($answered{$_} // 0) < ($held ? 0.6 : $silence) } @others;
  my $why = $off ? '' : $held ? rival($quiet, @holders) : $quiet && @holders ? "VRRP is silent and @holders has the VIP" : '';
  if ($why) { ($off, $offAt) = (1, $now); advise(-254); say_so("$why: this host leaves it") }
  elsif ($off && !$held && $now - $offAt > $silence && (!$quiet || !@holders)) { $off = 0; advise(0); say_so($quiet ? 'no other host has the VIP' : 'VRRP is back') }
  $faultAt = !$held || !faulty() ? 0 : $faultAt || $now;
  if ($held && (($off && $now - $offAt > 0.3) || ($faultAt && $now - $faultAt > 1))) { take_off('keepalived did not let go of it') }
  elsif ($held && keepalived_died()) { take_off('keepalived has died') }
  if ($now - $greeted > 10) {
    # One that was made anew, or has another hardware address, is not the one that is listened at.
    die "$interface has changed\\n" if hardware() ne $mac || interface('ifindex') != $index;
    ask($_) for @others; $greeted = $now;
  }
  # A holder has no haste to find another one; who may take the VIP next must know before keepalived does.
  if ($now - $asked > ($held && !@holders ? 0.5 : $interval / 5) && ($held || $off || $quiet)) { ask($vips[0]); $asked = $now }
  if ($now - $watchdog > 1) { notify('WATCHDOG=1'); $watchdog = $now }
}

# Why a holder has to let go, if so.
sub rival {
  my ($quiet, @holders) = @_;
  my ($first) = grep { $before{$_} && $answered{$_} - $since{$_} > 0.1 } @holders;
  return "$first has the VIP too" if $first;
  # They are sent by one who hears none of this host's, since one of two that hear each other lets go at once.
  return 'another host sends adverts' if !$quiet && $now - $adverts > 0.5 && $now - $heldSince > 0.5;
  return '';
}

# Until so many seconds have passed or another host has the VIP, and then what has come meanwhile: one that had no processor must not take that for silence.
sub listen_for {
  my $end = time + $_[0];
  while (1) {
    my $left = $end - time;
    my $ready = ''; vec($ready, fileno $_, 1) = 1 for $wire, $vrrp;
    my $count = select $ready, undef, undef, $left > 0 ? $left : 0;
    if ($count <= 0) { return if $left <= 0; next }
    my $news = vec($ready, fileno $wire, 1) && hear_arp();
    hear_vrrp() if vec $ready, fileno $vrrp, 1;
    return if $news || time > $end + 0.5;
  }
}

sub hear_arp {
  recv $wire, my $frame, 1500, 0;
  # Only what is an answer to this host: anybody can shout that an address is his.
  return 0 unless length $frame >= 42 && unpack('n', substr $frame, 20, 2) == 2 && substr($frame, 0, 6) eq $mac;
  my ($from, $address) = (substr($frame, 22, 6), inet_ntoa(substr $frame, 28, 4));
  if (grep { $_ eq $address } @others) { $named{$from} = $address }
  elsif ($address eq $vips[0] && (my $other = $named{$from})) {
    $since{$other} = time if time - ($answered{$other} // 0) > 0.8;
    $answered{$other} = time;
    return 1;
  }
  return 0;
}

sub hear_vrrp {
  my $sender = recv $vrrp, my $packet, 1500, 0;
  return unless defined $sender && length $sender;
  my $address = inet_ntoa((sockaddr_in($sender))[1]);
  return unless grep { $_ eq $address } @others;
  # An advert of VRRPv3 for this VIP from this network (RFC 5798, 5.1.1.3), not of one that leaves (priority 0).
  my $header = 4 * (ord($packet) & 15);
  return unless length $packet >= $header + 8 && ord(substr $packet, 8) == 255;
  my ($type, $id, $priority) = unpack 'C3', substr $packet, $header;
  return unless $type == 0x31 && $id == $router && $priority > 0;
  $adverts = time if time - $advert > 0.3;
  $advert = time;
}

sub ask {
  my $frame = ("\\xff" x 6) . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 1) . $mac . ("\\0" x 10) . inet_aton($_[0]);
  send $wire, $frame, 0;
}

# The kernel sends from the very address that it is asked to reach where that is its own; no packet is sent by this.
sub held {
  socket my $probe, PF_INET, SOCK_DGRAM, 0 or return 0;
  connect $probe, sockaddr_in(9, inet_aton($_[0])) or return 0;
  return inet_ntoa((sockaddr_in(getsockname $probe))[1]) eq $_[0];
}

# keepalived was told to let go, by whichever file, and did not, or nobody is left who could: the others wait until nobody answers for the VIP.
sub take_off {
  system '/usr/sbin/ip', 'address', 'delete', "$_/32", 'dev', $interface for grep { held($_) } @vips;
  say_so("$_[0]: the VIP was taken off");
}

# One that ends in order takes the VIP off and removes the file.
sub keepalived_died { open my $file, '<', $pid or return 0; my $line = <$file> // ''; $line =~ /^(\\d+)$/ && !-d "/proc/$1" }

# Their clients are elsewhere by now, and this host could not even tell them. One that uses its port again when the VIP is back would talk to what is left here:
# for a minute that may be as little as a connection in TIME-WAIT ("connected" are all states but those of a listener).
sub cut_connections { system "/usr/bin/ss -K -H -t state connected src $_ > /dev/null 2>&1" for @vips }

sub faulty { open my $file, '<', $alive or return 0; my $line = <$file> // ''; $line =~ /^-/ }
sub advise { open my $file, '>', $verdict or die "$verdict: $!\\n"; print $file "$_[0]\\n" }
sub say_so { print STDERR "$_[0]\\n" }
sub notify {
  my $path = $ENV{NOTIFY_SOCKET} or return;
  socket my $manager, PF_UNIX, SOCK_DGRAM, 0 or return;
  send $manager, $_[0], 0, sockaddr_un($path =~ s/^@/\\0/r);
}
`;
