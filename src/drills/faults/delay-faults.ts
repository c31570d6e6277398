import { quote } from '../../hosts/quote.ts';
import { hostsWith } from '../../cluster/cluster.ts';
import { aimAtHosts, type Scripts } from './_on-hosts.ts';
import type { Fault } from './fault.ts';

const needs = 'nftables with redirection, perl and ss on every etcd host, and a timer there that takes the rules out';

/** What etcd members say to each other arrives late. */
export const delayFaults: readonly Fault[] = [20, 100].map((delay) => ({
  id: `E6-${delay}ms`,
  title: `everything between etcd members takes ${delay} ms longer each way`,
  component: 'network',
  needs,
  seconds: 15,
  obstacle: (cluster) => (hostsWith(cluster, 'etcd').length >= 3 ? undefined : 'with fewer than three etcd members nothing is left that could go on'),
  aim: async (stage) => aimAtHosts(stage, hostsWith(stage.operation.cluster, 'etcd'), 'every etcd member', late(delay)),
} as const satisfies Fault));

const port = 12380;
const mark = '0x6b6b';
const unit = 'kubekeep-drill-relay';

/**
 * Each host's connections to peers are led through a relay on that host, which hands every piece on after the delay and leaves TLS alone. Only outgoing
 * ones: a member accepts a peer by the address that it calls from. Those that are open are cut, so that the new ones take the detour, and once more at the end.
 */
function late(delay: number): Scripts {
  const cut = 'ss -K dport = :2380 > /dev/null';
  return {
    inject: `systemd-run --quiet --collect --unit=${unit} -p RuntimeMaxSec=120 -p LimitNOFILE=4096 perl -e ${quote(relay)} ${delay} ${port} ${mark}
for i in $(seq 100); do ss -Hltn 'sport = :${port}' | grep -q . && break; sleep 0.05; done
nft 'table inet kubekeep_drill_relay { chain output { type nat hook output priority -100; tcp dport 2380 meta mark != ${mark} redirect to :${port}; }; }' && ${cut}`,
    undo: `nft delete table inet kubekeep_drill_relay 2>/dev/null; systemctl stop ${unit}.service 2>/dev/null; ${cut}; :`,
  };
}

/** One process, one loop: a queue of pieces with the time at which each may go on, for each end of each connection. */
const relay = `
use strict; use Socket; use IO::Handle; use Errno qw(EAGAIN EINPROGRESS); use Time::HiRes qw(time);
my ($delay, $port, $mark) = ($ARGV[0] / 1000, $ARGV[1], hex $ARGV[2]);
$SIG{PIPE} = "IGNORE";
my %ends;
sub end_of { my ($socket) = @_; $socket->blocking(0); setsockopt $socket, 6, 1, 1; $ends{fileno $socket} = { socket => $socket, number => fileno $socket, queue => [] } }
sub drop { for my $end ($_[0], $_[0]{peer}) { delete $ends{$end->{number}}; close $end->{socket} } }
socket my $door, PF_INET, SOCK_STREAM, 0 or die $!;
setsockopt $door, SOL_SOCKET, SO_REUSEADDR, 1;
bind $door, sockaddr_in($port, INADDR_LOOPBACK) or die $!;
listen $door, 128;
while (1) {
  my ($read, $write, $wait, $now) = ("", "", 1, time);
  vec($read, fileno $door, 1) = 1;
  for my $end (values %ends) {
    vec($read, $end->{number}, 1) = 1 unless $end->{over} || @{$end->{peer}{queue}} > 4000;
    my $first = $end->{queue}[0] or next;
    if ($first->[0] <= $now) { vec($write, $end->{number}, 1) = 1 } elsif ($first->[0] - $now < $wait) { $wait = $first->[0] - $now }
  }
  next if select($read, $write, undef, $wait) <= 0;
  # Of a copy: dropping one end takes another one out.
  for my $end (my @all = values %ends) {
    next unless $ends{$end->{number}};
    if (vec $read, $end->{number}, 1) {
      my $got = sysread $end->{socket}, my $piece, 65536;
      if ($got) { push @{$end->{peer}{queue}}, [time + $delay, $piece] }
      elsif (defined $got || $! != EAGAIN) { $end->{over} = 1; push @{$end->{peer}{queue}}, [time + $delay, undef] }
    }
    if (vec $write, $end->{number}, 1) {
      my $first = $end->{queue}[0];
      if (!defined $first->[1]) { drop($end); next }
      my $put = syswrite $end->{socket}, $first->[1];
      if (defined $put) { substr($first->[1], 0, $put) = ""; shift @{$end->{queue}} if $first->[1] eq "" }
      elsif ($! != EAGAIN) { drop($end) }
    }
  }
  next unless vec $read, fileno $door, 1;
  accept my $near, $door or next;
  # SO_ORIGINAL_DST: where the caller wanted to go.
  my $wanted = getsockopt($near, 0, 80) or next;
  socket my $far, PF_INET, SOCK_STREAM, 0 or next;
  setsockopt $far, SOL_SOCKET, 36, pack("I", $mark) or next;
  $far->blocking(0);
  connect($far, substr $wanted, 0, 16) or $! == EINPROGRESS or next;
  my ($one, $other) = (end_of($near), end_of($far));
  ($one->{peer}, $other->{peer}) = ($other, $one);
}`;
