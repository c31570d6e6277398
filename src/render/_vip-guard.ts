import { hostsWith, type HostSpec } from '../cluster/cluster.ts';
import { hardening, soonUpAgain, unitFile } from './_unit-file.ts';
import type { TrackedFile, VrrpInstance } from './_vrrp.ts';
import type { DesiredFile, RenderInput } from './design.ts';
import { unitFolder } from './paths.ts';

/** A keepalived whose VIPs are watched. */
export interface Guarded {
  /** The guard's unit. */
  readonly unit: string;
  readonly description: string;
  /** Of the script and its configuration. */
  readonly folder: string;
  /** In /run, of its verdicts. */
  readonly verdicts: string;
  /** HAProxy's state, 0 or -254. */
  readonly aliveFile: string;
  /** keepalived's process that speaks VRRP. */
  readonly vrrpPidFile: string;
  /** Seconds, of all instances. */
  readonly advertInterval: number;
  readonly instances: readonly VrrpInstance[];
}

/** What the guard tells keepalived of an instance: 0, or -254 for a fault. `verdicts`: the folder in /run. */
export function verdict(verdicts: string, instance: string): TrackedFile {
  return { name: `guard_${instance}`, path: `/run/${verdicts}/${instance}`, makes: true };
}

/**
 * Keeps two balancers from having a VIP where VRRP alone cannot: its adverts are lost, or the holder's keepalived hangs and leaves its address on the
 * interface; and keeps a VIP where it is when its holder is only starved. What it asks is ARP's own question, who has this address, without one of its own as
 * RFC 5227's probe does (docs/decisions/0020). VIPs and balancers stand in a file that it reads again by itself, since a changed unit restarts keepalived too.
 */
export function vipGuard({ cluster, host, facts }: RenderInput, guarded: Guarded): readonly DesiredFile[] {
  const { unit, folder, verdicts, instances } = guarded;
  const script = `${folder}/vip-guard.pl`;
  const config = `${folder}/vip-guard.conf`;
  const addresses = (hosts: readonly HostSpec[]) => hosts.map(({ address }) => address).join(',') || 'none';
  const before = (balancers: readonly HostSpec[]) => balancers.slice(0, balancers.findIndex(({ name }) => name === host.name));
  const file = (path: string, content: string): DesiredFile => ({ path, content, mode: 0o644, owner: 'root:root' });
  return [
    file(script, program),
    file(config, [
      '# Managed by kubekeep. The other balancers; then of each VRRP instance the file with the verdict, the router id, its VIPs, and who keeps them where this host has them too.',
      addresses(hostsWith(cluster, 'load-balancer').filter(({ name }) => name !== host.name)),
      ...instances.map((one) => [verdict(verdicts, one.name).path, one.routerId, one.addresses.join(','), addresses(before(one.balancers))].join(' ')),
      '',
    ].join('\n')),
    file(`${unitFolder}/${unit}`, guardUnit(guarded, [script, facts.vipInterface, config, guarded.aliveFile, guarded.vrrpPidFile, String(guarded.advertInterval)])),
  ];
}

const guardUnit = ({ description, verdicts }: Guarded, words: readonly string[]) => unitFile({
  Unit: { Description: description, After: 'network-online.target', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
  Service: {
    Type: 'notify',
    ExecStart: `/usr/bin/perl ${words.join(' ')}`,
    // Without a guard VRRP alone decides.
    ExecStopPost: `/bin/sh -c 'for verdict in /run/${verdicts}/*; do echo 0 > $$verdict; done'`,
    WatchdogSec: 5,
    RuntimeDirectory: verdicts,
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

const program = `# Managed by kubekeep. Tells keepalived to let go of a VIP, or to leave it, where another balancer has it.
# INTERFACE CONFIG ALIVE PID INTERVAL: what is watched; the file in which HAProxy's state stands; the file with keepalived's process; seconds between two adverts.
use strict; use warnings; use Socket; use Time::HiRes (); use subs 'time';
# Of the clock that nobody sets.
sub time () { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }
my ($interface, $config, $alive, $pid, $interval) = @ARGV;
# Longer than adverts are apart, and shorter than VRRP waits for them.
my $silence = 1.5 * $interval;

sub interface { open my $file, '<', "/sys/class/net/$interface/$_[0]" or die "$interface: $!\\n"; chomp(my $line = <$file>); $line }
my ($mac, $index) = (hardware(), interface('ifindex'));
sub hardware { pack 'H*', interface('address') =~ s/://gr }
socket my $wire, 17, SOCK_RAW, unpack('S', pack 'n', 0x0806) or die "packet socket: $!\\n";
bind $wire, pack('S n i S C C a8', 17, 0x0806, $index, 0, 0, 0, '') or die "$interface: $!\\n";
socket my $vrrp, PF_INET, SOCK_RAW, 112 or die "VRRP: $!\\n";

my $now = time;
my (@others, @guarded);
my $read = 'not yet';
# Address of another balancer by its hardware address, as it says itself.
my %named;
my ($greeted, $watchdog) = (-10, 0);

configure();
# Where the kernel refuses that, it goes on without.
system "/usr/bin/chrt --rr --pid 10 $$ > /dev/null 2>&1";
notify('READY=1');
while (1) {
  listen_for((grep { $now - $_->{advert} > 1.2 * $interval } @guarded) ? $interval / 5 : 0.4 * $interval);
  $now = time;
  judge($_) for @guarded;
  if ($now - $greeted > 10) {
    # One that was made anew, or has another hardware address, is not the one that is listened at.
    die "$interface has changed\\n" if hardware() ne $mac || interface('ifindex') != $index;
    ask($_) for @others; $greeted = $now;
  }
  if ($now - $watchdog > 1) { configure(); notify('WATCHDOG=1'); $watchdog = $now }
}

# What is watched, where its file is another one than before; of an instance whose line is the same, what is known stays.
sub configure {
  my $file = join ' ', (stat $config)[1, 9];
  return if $file eq $read;
  $read = $file;
  open my $lines, '<', $config or die "$config: $!\\n";
  my (undef, $balancers, @lines) = map { chomp; $_ } <$lines>;
  @others = grep { $_ ne 'none' } split /,/, $balancers;
  my %known = map { $_->{line} => $_ } @guarded;
  @guarded = map { $known{$_} // instance($_) } @lines;
  $greeted = -10;
}

# A VRRP instance. Of each other balancer, when it last answered for the VIP and since when it has done so; when an advert of another balancer came last, and since when they have come without a pause.
# Nothing is known at the start.
sub instance {
  my ($verdict, $router, $vips, $before) = split ' ', $_[0];
  my $one = {
    line => $_[0], verdict => $verdict, router => $router, vips => [split /,/, $vips], before => { map { $_ => 1 } split /,/, $before },
    answered => {}, since => {}, advert => $now, adverts => $now, had => 0, heldSince => 0, off => 0, offAt => 0, asked => 0, faultAt => 0,
  };
  advise($one, 0);
  return $one;
}

# Says of an instance what is to be said, and asks what is to be asked.
sub judge {
  my ($one) = @_;
  my $vip = $one->{vips}[0];
  my $held = held($vip);
  cut_connections($one) if $one->{had} && !$held;
  # What was answered before says nothing about a second holder.
  if ($held && !$one->{had}) { $one->{heldSince} = $now; $one->{answered} = {} }
  $one->{had} = $held;
  my $quiet = $now - $one->{advert} > $silence;
  my @holders = grep { $now - ($one->{answered}{$_} // 0) < ($held ? 0.6 : $silence) } @others;
  my $why = $one->{off} ? '' : $held ? rival($one, $quiet, @holders) : $quiet && @holders ? "VRRP is silent and @holders has the VIP" : '';
  if ($why) { @$one{'off', 'offAt'} = (1, $now); advise($one, -254); say_so($one, "$why: this host leaves it") }
  elsif ($one->{off} && !$held && $now - $one->{offAt} > $silence && (!$quiet || !@holders)) { $one->{off} = 0; advise($one, 0); say_so($one, $quiet ? 'no other host has the VIP' : 'VRRP is back') }
  $one->{faultAt} = !$held || !faulty() ? 0 : $one->{faultAt} || $now;
  if ($held && (($one->{off} && $now - $one->{offAt} > 0.3) || ($one->{faultAt} && $now - $one->{faultAt} > 1))) { take_off($one, 'keepalived did not let go of it') }
  elsif ($held && keepalived_died()) { take_off($one, 'keepalived has died') }
  # A holder has no haste to find another one; who may take the VIP next must know before keepalived does.
  if ($now - $one->{asked} > ($held && !@holders ? 0.5 : $interval / 5) && ($held || $one->{off} || $quiet)) { ask($vip); $one->{asked} = $now }
}

# Why a holder has to let go, if so.
sub rival {
  my ($one, $quiet, @holders) = @_;
  my ($first) = grep { $one->{before}{$_} && $one->{answered}{$_} - $one->{since}{$_} > 0.1 } @holders;
  return "$first has the VIP too" if $first;
  # They are sent by one who hears none of this host's, since one of two that hear each other lets go at once.
  return 'another host sends adverts' if !$quiet && $now - $one->{adverts} > 10 * $interval && $now - $one->{heldSince} > 10 * $interval;
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
  if (grep { $_ eq $address } @others) { $named{$from} = $address; return 0 }
  my $other = $named{$from};
  my ($one) = grep { $_->{vips}[0] eq $address } @guarded;
  return 0 unless $other && $one;
  $one->{since}{$other} = time if time - ($one->{answered}{$other} // 0) > 0.8;
  $one->{answered}{$other} = time;
  return 1;
}

sub hear_vrrp {
  my $sender = recv $vrrp, my $packet, 1500, 0;
  return unless defined $sender && length $sender;
  my $address = inet_ntoa((sockaddr_in($sender))[1]);
  return unless grep { $_ eq $address } @others;
  # An advert of VRRPv3 for these VIPs from this network (RFC 5798, 5.1.1.3), not of one that leaves (priority 0).
  my $header = 4 * (ord($packet) & 15);
  return unless length $packet >= $header + 8 && ord(substr $packet, 8) == 255;
  my ($type, $id, $priority) = unpack 'C3', substr $packet, $header;
  return unless $type == 0x31 && $priority > 0;
  for my $one (grep { $_->{router} == $id } @guarded) {
    $one->{adverts} = time if time - $one->{advert} > 6 * $interval;
    $one->{advert} = time;
  }
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
  my ($one, $why) = @_;
  system '/usr/sbin/ip', 'address', 'delete', "$_/32", 'dev', $interface for grep { held($_) } @{$one->{vips}};
  say_so($one, "$why: the VIP was taken off");
}

# One that ends in order takes the VIP off and removes the file.
sub keepalived_died { open my $file, '<', $pid or return 0; my $line = <$file> // ''; $line =~ /^(\\d+)$/ && !-d "/proc/$1" }

# Their clients are elsewhere by now, and this host could not even tell them. One that uses its port again when the VIP is back would talk to what is left here:
# for a minute that may be as little as a connection in TIME-WAIT ("connected" are all states but those of a listener).
sub cut_connections { system "/usr/bin/ss -K -H -t state connected src $_ > /dev/null 2>&1" for @{$_[0]{vips}} }

sub faulty { open my $file, '<', $alive or return 0; my $line = <$file> // ''; $line =~ /^-/ }
sub advise { my ($one, $word) = @_; open my $file, '>', $one->{verdict} or die "$one->{verdict}: $!\\n"; print $file "$word\\n" }
sub say_so { my ($one, $what) = @_; print STDERR "$one->{vips}[0]: $what\\n" }
sub notify {
  my $path = $ENV{NOTIFY_SOCKET} or return;
  socket my $manager, PF_UNIX, SOCK_DGRAM, 0 or return;
  send $manager, $_[0], 0, sockaddr_un($path =~ s/^@/\\0/r);
}
`;
