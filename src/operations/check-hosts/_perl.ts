/**
 * Measurements that no program of a minimal Debian can do. perl-base is on every Debian. Each is one perl program; values come in as arguments, so
 * that none of them is built from text.
 */

/** DIR SECONDS: how long a synced write of 4 KiB takes, as etcd's log does it: one after the other into a file that has its size already. */
export const diskSpeed = `
use strict; use Time::HiRes 'time';
my ($dir, $seconds) = @ARGV;
my $path = "$dir/.kubekeep-check-disk";
my %number = (x86_64 => 75, aarch64 => 83);
chomp(my $machine = \`uname -m\`);
my $fdatasync = $number{$machine} or fail("unknown architecture");
open(my $file, '+>', $path) or fail($!);
$SIG{$_} = sub { unlink $path; exit 1 } for qw(TERM INT HUP);
my $block = 'k' x 4096;
(syswrite($file, $block x 256) || 0) == 4096 * 256 or do { my $why = $!; unlink $path; fail($why) };
syscall($fdatasync, fileno $file);
sysseek($file, 0, 0);
my (@times, $end);
$end = time + $seconds;
while (@times < 200 && time < $end) {
  syswrite($file, $block);
  my $start = time;
  syscall($fdatasync, fileno $file) == 0 or do { my $why = $!; unlink $path; fail($why) };
  push @times, (time - $start) * 1000;
}
unlink $path;
@times = sort { $a <=> $b } @times;
printf "disk\\t%d\\t%.3f\\t%.3f\\n", scalar @times, $times[$#times / 2], $times[int($#times * 0.99)];
sub fail { print "disk\\tfailed\\t$_[0]\\n"; exit }
`;

/** INTERFACE SECONDS VIP…: who answers for these addresses. Asks as a host without an address does, so that nobody learns anything wrong from it. */
export const askArp = `
use strict; use Socket; use Time::HiRes 'time';
my ($interface, $seconds, @vips) = @ARGV;
my ($socket, $mac, $index) = packet_socket($interface) or exit;
my %answers = map { $_ => {} } @vips;
my $end = time + $seconds;
my $ask = 0;
while ((my $left = $end - time) > 0) {
  if (time > $ask) {
    send($socket, ("\\xff" x 6) . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 1) . $mac . ("\\0" x 10) . inet_aton($_), 0) for @vips;
    $ask = time + 0.3;
  }
  my $ready = ''; vec($ready, fileno $socket, 1) = 1;
  next unless select($ready, undef, undef, $left < 0.1 ? $left : 0.1);
  recv($socket, my $frame, 1500, 0);
  next unless length $frame >= 42 && unpack('n', substr($frame, 20, 2)) == 2;
  my $vip = inet_ntoa(substr($frame, 28, 4));
  $answers{$vip}{join ':', map { sprintf '%02x', $_ } unpack('C6', substr($frame, 22, 6))} = 1 if $answers{$vip};
}
print join("\\t", 'arp', $_, sort keys %{$answers{$_}}), "\\n" for @vips;
sub packet_socket {
  my ($interface) = @_;
  my ($mac, $index) = map { open(my $f, '<', "/sys/class/net/$interface/$_") or fail("no interface $interface"); my $line = <$f>; chomp $line; $line } qw(address ifindex);
  socket(my $socket, 17, 3, unpack('S', pack('n', 0x0806))) or fail($!);
  bind($socket, pack('S n i S C C a8', 17, 0x0806, $index, 0, 0, 0, '')) or fail($!);
  return ($socket, pack('C6', map { hex } split /:/, $mac), $index);
}
sub fail { print "arp\\tfailed\\t$_[0]\\n"; exit }
`;

/** ADDRESS SECONDS: which VRRP routers are heard by multicast on the interface of an address. */
export const hearRouters = `
use strict; use Socket; use Time::HiRes 'time';
my ($address, $seconds) = @ARGV;
socket(my $socket, PF_INET, SOCK_RAW, 112) or fail($!);
setsockopt($socket, 0, 35, inet_aton('224.0.0.18') . inet_aton($address)) or fail($!);
my (%heard, $end);
$end = time + $seconds;
while ((my $left = $end - time) > 0) {
  my $ready = ''; vec($ready, fileno $socket, 1) = 1;
  next unless select($ready, undef, undef, $left);
  recv($socket, my $packet, 2000, 0);
  my $header = (ord($packet) & 15) * 4;
  next unless length $packet >= $header + 8 && (ord(substr($packet, $header, 1)) & 15) == 1;
  $heard{ord(substr($packet, $header + 1, 1)) . "\\t" . inet_ntoa(substr($packet, 12, 4))} = 1;
}
print "vrrp\\tlistened\\n", map { "vrrp\\t$_\\n" } sort keys %heard;
sub fail { print "vrrp\\tfailed\\t$_[0]\\n"; exit }
`;

/**
 * FILE SECONDS ADDRESS NAME PORT…: says its name to everybody who connects to one of the ports, and notes in FILE from whom VRRP's protocol comes. Goes to
 * the background when it listens; ends by itself. A port that is taken is left to the one who has it.
 */
export const listen = `
use strict; use Socket;
my ($path, $seconds, $address, $name, @ports) = @ARGV;
my @servers;
for my $port (@ports) {
  socket(my $server, PF_INET, SOCK_STREAM, 6) or next;
  setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($server, sockaddr_in($port, inet_aton($address))) && listen($server, 64) or next;
  push @servers, $server;
}
my $raw; socket($raw, PF_INET, SOCK_RAW, 112) or undef $raw;
open(my $notes, '>', $path) or exit 1;
exit 0 if fork;
require POSIX; POSIX::setsid();
open(STDIN, '<', '/dev/null'); open(STDOUT, '>', '/dev/null'); open(STDERR, '>', '/dev/null');
$SIG{$_} = sub { unlink $path; exit } for qw(ALRM TERM);
$SIG{PIPE} = 'IGNORE';
alarm $seconds;
syswrite($notes, "pid\\t$$\\n");
while (1) {
  my $ready = ''; vec($ready, fileno $_, 1) = 1 for @servers, $raw || ();
  select($ready, undef, undef, undef) > 0 or next;
  for my $server (@servers) {
    next unless vec($ready, fileno $server, 1);
    accept(my $client, $server) or next;
    syswrite($client, "kubekeep-check $name\\n"); close $client;
  }
  if ($raw && vec($ready, fileno $raw, 1)) {
    recv($raw, my $packet, 2000, 0);
    syswrite($notes, "from\\t" . inet_ntoa(substr($packet, 12, 4)) . "\\n");
  }
}
`;

/** SECONDS PEER…: connects to every ADDRESS:PORT at once and says how it went and after how many milliseconds; sends one packet of VRRP's protocol to every ADDRESS:vrrp. */
export const tryLinks = `
use strict; use Socket; use Fcntl; use Errno qw(EINPROGRESS); use Time::HiRes 'time';
my ($seconds, @peers) = @ARGV;
my (%open, %began);
for my $peer (@peers) {
  my ($address, $port) = split /:/, $peer;
  if ($port eq 'vrrp') {
    # Of a type that VRRP does not define: a router that hears it drops it.
    if (socket(my $raw, PF_INET, SOCK_RAW, 112)) { send($raw, pack('C4 n2', 0x3f, 0, 0, 0, 0, 0), 0, sockaddr_in(0, inet_aton($address))) for 1, 2 }
    next;
  }
  socket(my $socket, PF_INET, SOCK_STREAM, 6) or next;
  fcntl($socket, F_SETFL, O_NONBLOCK);
  $began{$peer} = time;
  my $done = connect($socket, sockaddr_in($port, inet_aton($address)));
  if (!$done && $! != EINPROGRESS) { print "peer\\t$peer\\t$!\\n"; next }
  $open{$peer} = $socket;
}
my $end = time + $seconds;
while (%open && (my $left = $end - time) > 0) {
  my $ready = ''; vec($ready, fileno $_, 1) = 1 for values %open;
  next unless select(undef, $ready, undef, $left);
  for my $peer (keys %open) {
    next unless vec($ready, fileno $open{$peer}, 1);
    my $error = unpack('i', getsockopt($open{$peer}, SOL_SOCKET, SO_ERROR));
    if ($error) { $! = $error; print "peer\\t$peer\\t$!\\n" } else { printf "peer\\t%s\\topen\\t%.1f\\n", $peer, 1000 * quickest($peer, time - $began{$peer}) }
    delete $open{$peer};
  }
}
print "peer\\t$_\\tno answer\\n" for keys %open;

# Of a few, where it seems far: the host may only have been busy.
sub quickest {
  my ($peer, $best) = @_;
  my ($address, $port) = split /:/, $peer;
  for (1, 2) {
    last if $best < 0.02 || $port != 2380;
    socket(my $socket, PF_INET, SOCK_STREAM, 6) or last;
    my $began = time;
    connect($socket, sockaddr_in($port, inet_aton($address))) or last;
    $best = time - $began if time - $began < $best;
  }
  return $best;
}
`;

/**
 * INTERFACE SECONDS VIP PORT NAME CALLERS: tells the network that the VIP, which this host was just given, is here, and says its name to everybody who
 * connects to it, until as many have called or the time is over.
 */
export const answerForVip = `
use strict; use Socket; use Time::HiRes 'time';
my ($interface, $seconds, $vip, $port, $name, $callers) = @ARGV;
$SIG{PIPE} = 'IGNORE';
my ($mac, $index) = map { open(my $f, '<', "/sys/class/net/$interface/$_") or die "no interface $interface\\n"; my $line = <$f>; chomp $line; $line } qw(address ifindex);
socket(my $arp, 17, 3, unpack('S', pack('n', 0x0806))) or die "$!\\n";
bind($arp, pack('S n i S C C a8', 17, 0x0806, $index, 0, 0, 0, '')) or die "$!\\n";
$mac = pack('C6', map { hex } split /:/, $mac);
socket(my $server, PF_INET, SOCK_STREAM, 6) or die "$!\\n";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, sockaddr_in($port, inet_aton($vip))) or die "$!\\n";
listen($server, 64);
my ($end, $tell, %called) = (time + $seconds, 0);
while (keys %called < $callers && (my $left = $end - time) > 0) {
  if (time > $tell) {
    send($arp, ("\\xff" x 6) . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 1) . $mac . inet_aton($vip) . ("\\0" x 6) . inet_aton($vip), 0);
    $tell = time + 0.2;
  }
  my $ready = ''; vec($ready, fileno $server, 1) = 1;
  next unless select($ready, undef, undef, $left < 0.2 ? $left : 0.2);
  my $peer = accept(my $client, $server) or next;
  $called{inet_ntoa((sockaddr_in($peer))[1])} = 1;
  syswrite($client, "kubekeep-check $name\\n"); close $client;
}
`;

/** VIP PORT SECONDS NAME: tries until the one with this name answers. */
export const callVip = `
use strict; use Socket; use Fcntl; use Time::HiRes qw(time sleep);
my ($vip, $port, $seconds, $name) = @ARGV;
my ($end, $last) = (time + $seconds, 'no answer');
while (time < $end) {
  socket(my $socket, PF_INET, SOCK_STREAM, 6) or last;
  fcntl($socket, F_SETFL, O_NONBLOCK);
  connect($socket, sockaddr_in($port, inet_aton($vip)));
  my $ready = ''; vec($ready, fileno $socket, 1) = 1;
  if (select($ready, undef, undef, 0.25)) {
    if (!defined sysread($socket, my $answer, 200)) { $last = "$!" }
    elsif ($answer eq "kubekeep-check $name\\n") { print "reached\\n"; exit }
    else { $last = 'another host answered' }
  }
  sleep 0.05;
}
print "failed\\t$last\\n";
`;
