import { startProgram } from '../../hosts/child-process.ts';
import { parallel } from '../../lib/parallel.ts';
import type { Asked } from '../history/record.ts';
import type { Stage } from '../stage.ts';

export interface VipQuestions {
  /** Ends it; all that was asked and answered, in the prober's time, and why where nothing could be asked. */
  stop(): Promise<{ readonly asked: readonly Asked[]; readonly error?: string }>;
}

/**
 * Asks from this computer, while a drill runs, who is there at the VIP: 100 pings a second, and 10 questions by ARP where the VIP is in a network of this
 * computer. It needs root, and nobody's table of neighbours learns of it: the questions come from a card and an address that nobody has (as the probes of
 * RFC 5227), so a client's stale entry is not mended by them. `toProber` is the sampler's.
 */
export async function askForVip({ operation: { cluster, hosts, clock } }: Stage, toProber: (monotonic: number) => number): Promise<VipQuestions> {
  const lines: string[] = [];
  const sinceBoot = Number(process.hrtime.bigint()) / 1e6 - clock.monotonic();
  const program = startProgram('perl', ['-e', questioner, cluster.endpoint.vip], { onLine: (line) => lines.push(line) });
  const cards = await parallel(cluster.hosts, async ({ name }) => {
    const found = await hosts.get(name)!.run('cat /sys/class/net/*/address', { timeout: 5000 }).catch(() => undefined);
    return (found?.stdout ?? '').split('\n').map((card): [string, string] => [card, name]);
  });
  return {
    async stop() {
      const { exitCode, stderr } = await program.end(5000).catch((error: Error) => ({ exitCode: 255, stderr: error.message }));
      const asked = parseAnswers(lines, { toProber: (monotonic) => toProber(monotonic - sinceBoot), hostOf: new Map(cards.flat()) });
      return { asked, ...(exitCode !== 0 && { error: stderr }) };
    },
  };
}

/**
 * Lines "MS ping 0|1" and "MS arp [CARD…]", as the questioner writes them, as stretches in which all was answered alike. One ends after a second without a
 * question, too. `toProber` gets this computer's monotonic milliseconds.
 * @internal also for tests
 */
export function parseAnswers(lines: readonly string[], { toProber, hostOf }: { readonly toProber: (monotonic: number) => number; readonly hostOf: ReadonlyMap<string, string> }): Asked[] {
  const single = lines.flatMap((line): Asked[] => {
    const [time = '', how, ...rest] = line.split(' ');
    const at = toProber(Number(time));
    if (how === 'ping') return [{ kind: 'asked', how, at, until: at, count: 1, answered: rest[0] === '1' }];
    if (how !== 'arp') return [];
    const by = [...new Set(rest.map((card) => hostOf.get(card) ?? card))].sort();
    return [{ kind: 'asked', how: 'ARP', at, until: at, count: 1, answered: by.length > 0, by }];
  });
  return (['ping', 'ARP'] as const).flatMap((how) => stretches(single.filter((one) => one.how === how).sort((a, b) => a.at - b.at)));
}

const longestPause = 1000;

function stretches(single: readonly Asked[]): Asked[] {
  const joined: Asked[] = [];
  for (const one of single) {
    const last = joined.at(-1);
    const isSame = last && last.answered === one.answered && String(last.by) === String(one.by) && one.at - last.until <= longestPause;
    if (isSame) joined[joined.length - 1] = { ...last, until: one.at, count: last.count + 1 };
    else joined.push(one);
  }
  return joined;
}

/**
 * Ends when its input closes. A ping that has no answer within a second has none. The constants are Linux's: 17 AF_PACKET, 263 SOL_PACKET, 1 PACKET_ADD_MEMBERSHIP
 * and PACKET_MR_PROMISC, without which answers to a card that is nobody's are not seen.
 */
const questioner = `
use strict; use Socket; use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
my ($vip) = @ARGV; $| = 1; $SIG{PIPE} = "DEFAULT";
my $target = inet_aton($vip); my $id = $$ & 0xffff; my $mac = pack("H12", "02006b6b0001");
my $arp; my ($dev) = \`ip -4 -o route get $vip\` =~ /^\\S+ dev (\\S+)/;
if (defined $dev and open my $f, "<", "/sys/class/net/$dev/ifindex") {
  my $index = <$f> + 0; my $type = unpack("S", pack("n", 0x0806));
  socket($arp, 17, SOCK_RAW, $type) or die "a socket for ARP: $!";
  bind($arp, pack("S n i S C C a8", 17, 0x0806, $index, 0, 0, 0, "")) or die "a socket for ARP: $!";
  setsockopt($arp, 263, 1, pack("i S S a8", $index, 1, 0, "")) or die "a socket for ARP: $!";
}
socket(my $icmp, AF_INET, SOCK_RAW, 1) or die "a socket for pings: $!";
my $question = "\\xff" x 6 . $mac . pack("n n n C C n", 0x0806, 1, 0x0800, 6, 4, 1) . $mac . "\\0" x 4 . "\\0" x 6 . $target;
my (%open, @order, %by); my ($seq, $turn, $asked) = (0, 0, undef); my $start = now();
sub now { clock_gettime(CLOCK_MONOTONIC) * 1000 }
sub sum { my ($s, $data) = (0, @_); $s += $_ for unpack "n*", $data; $s = ($s & 0xffff) + ($s >> 16) while $s >> 16; ~$s & 0xffff }
sub settle { while (@order and now() - $open{$order[0]} > $_[0]) { my $n = shift @order; printf "%.1f ping 0\\n", delete $open{$n}; shift @order while @order and !exists $open{$order[0]} } }
while (1) {
  my $p; my $wait = $start + $turn * 10 - now();
  my $bits = ""; vec($bits, fileno($_), 1) = 1 for \\*STDIN, $icmp, $arp // ();
  if (select(my $ready = $bits, undef, undef, $wait > 0 ? $wait / 1000 : 0) > 0) {
    if (vec($ready, fileno(STDIN), 1)) { last unless sysread(STDIN, my $any, 4096) }
    if (vec($ready, fileno($icmp), 1) and defined recv($icmp, $p, 2048, 0)) {
      my $h = (ord($p) & 15) * 4; my ($t, undef, undef, $i, $n) = unpack "C C n n n", substr($p, $h, 8);
      printf "%.1f ping 1\\n", delete $open{$n} if $t == 0 and $i == $id and exists $open{$n};
      shift @order while @order and !exists $open{$order[0]};
    }
    if (defined $arp and vec($ready, fileno($arp), 1) and defined recv($arp, $p, 2048, 0) and length $p >= 42) {
      my ($op, $card, $from, $to) = unpack "x20 n a6 a4 a6", $p;
      $by{join ":", unpack "(H2)6", $card} = 1 if $op == 2 and $from eq $target and $to eq $mac;
    }
    next;
  }
  settle(1000);
  $seq = ($seq + 1) & 0xffff; my $body = pack "n n a48", $id, $seq, "kubekeep";
  $open{$seq} = now(); push @order, $seq;
  send($icmp, pack("C C n", 8, 0, sum(pack("C C n", 8, 0, 0) . $body)) . $body, 0, sockaddr_in(0, $target));
  # After it was held up, turns follow each other faster than answers can come.
  if (defined $arp and $turn % 10 == 0 and now() - ($asked // 0) > 50) {
    printf "%.1f arp%s\\n", $asked, join "", map " $_", sort keys %by if defined $asked;
    ($asked, %by) = (now()); send($arp, $question, 0);
  }
  $turn++;
}
settle(100);
`;
