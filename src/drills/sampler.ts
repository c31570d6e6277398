import type { EtcdClient } from '../clients/etcd/connect-etcd.ts';
import { hostsWith } from '../cluster/cluster.ts';
import { expectSuccess } from '../hosts/local.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { etcdOf } from '../operations/clients.ts';
import { haproxySocket } from '../render/haproxy.ts';
import { runAll } from './faults/_on-hosts.ts';
import type { Look, Sample } from './history/record.ts';
import type { Stage } from './stage.ts';

const unit = 'kubekeep-drill-sampler.service';
const unitPath = `/etc/systemd/system/${unit}`;
const script = '/var/lib/kubekeep/drill-sampler.pl';
/** In memory, since a disk may be full or stand still, and a copy of it that outlives a loss of power. */
const file = '/run/kubekeep-drill-samples';
const copy = '/var/lib/kubekeep/drill-samples';
const tidy = `rm -f ${file} ${copy} ${script} ${unitPath}`;
/** ms between two questions to an etcd member. */
const etcdInterval = 250;

export interface Sampler {
  /** From now on these hosts may be without power: where they are not seen, they have none and hold nothing. */
  mayBeOff(hosts: readonly string[]): void;
  /** Ends it everywhere; all samples in the prober's time, by host. Of a host that cannot be asked any more, that nobody looked there. */
  stop(): Promise<(Sample | Look)[]>;
}

/**
 * Looks at every host while a drill runs: 50 times a second whether a balancer has the VIP, 5 times a second what its HAProxy thinks of the servers, 4
 * times a second who leads etcd. `toProber` turns a time of this process's monotonic clock into the prober's; lab machines share this computer's, and
 * the clocks of other hosts are compared with it.
 */
export async function startSampler(stage: Stage, toProber: (monotonic: number) => number): Promise<Sampler> {
  const { cluster, hosts, clock } = stage.operation;
  const off = new Map<string, number>();
  const balancers = hostsWith(cluster, 'load-balancer');
  await parallel(balancers, ({ name }) => hosts.get(name)!.write([{ path: script, mode: 0o644, content: watcher }, { path: unitPath, mode: 0o644, content: unitFile(cluster.endpoint.vip) }]));
  await runAll(stage, balancers, () => `rm -f ${file} ${copy}; systemctl daemon-reload && systemctl --quiet enable ${unit} && systemctl restart ${unit}`);
  const ahead = await parallel(balancers, ({ name }) => clockOf(stage, name));
  // Before all hosts watch and after the first has stopped, nobody can tell who had the VIP.
  const since = toProber(clock.monotonic());
  const leaders = askLeaders(stage, toProber);
  const sinceBoot = sinceBootNow() - clock.monotonic();
  return {
    mayBeOff: (names) => names.forEach((name) => off.set(name, toProber(clock.monotonic()))),
    async stop() {
      const until = toProber(clock.monotonic());
      const seen = await parallel(balancers.map((host, position) => ({ name: host.name, ...ahead[position]! })), async ({ name, difference, doubt }) => {
        const lines = await linesOf(stage, name);
        if (lines instanceof KubekeepError) return [{ kind: 'look', about: 'VIP', place: name, at: until, through: 'nothing', found: [], error: lines.message } satisfies Look];
        const samples = withinDoubt(parseSamples(name, lines, (monotonic) => toProber(monotonic - sinceBoot - difference)), doubt);
        return off.has(name) ? withDarkness(name, samples, off.get(name)!) : samples;
      });
      return [...seen.flat(), ...(await leaders.stop())].filter(({ at }) => at >= since && at <= until);
    },
  };
}

/** What the watcher of a host wrote, which goes away there; or why it cannot be had. What the other hosts saw counts all the same. */
async function linesOf({ operation: { hosts } }: Stage, name: string): Promise<string | KubekeepError> {
  const script = `systemctl --quiet disable --now ${unit}; cat ${copy} ${file} 2>/dev/null | sort -u | sort -s -n; ${tidy}; systemctl daemon-reload`;
  try {
    const { stdout } = await hosts.get(name)!.run(script, { timeout: 30_000 });
    return /^\d\S* vip /m.test(stdout) ? stdout : new KubekeepError('command-failed', `${name}: nothing was written down`);
  } catch (caught) {
    if (caught instanceof KubekeepError) return caught;
    throw caught;
  }
}

interface ClockDifference {
  /** ms that a host's monotonic clock is ahead of this computer's. */
  readonly difference: number;
  /** By so many ms at most it may be otherwise. */
  readonly doubt: number;
}

/** By the question that was answered fastest: the host looked at its clock at some moment in between. */
async function clockOf({ operation: { hosts }, lab }: Stage, name: string): Promise<ClockDifference> {
  if (lab) return { difference: 0, doubt: 0 };
  let best: ClockDifference = { difference: 0, doubt: Infinity };
  for (let turn = 0; turn < 8; turn++) {
    const before = sinceBootNow();
    const { stdout } = expectSuccess(await hosts.get(name)!.run(`perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'printf "%.1f", clock_gettime(CLOCK_MONOTONIC) * 1000'`, { timeout: 10_000 }), 'reading the clock');
    const after = sinceBootNow();
    if ((after - before) / 2 < best.doubt) best = { difference: Number(stdout) - (before + after) / 2, doubt: (after - before) / 2 };
  }
  return best;
}

function sinceBootNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Where a clock is known within some ms only, a host surely had the VIP only that long after it was first seen to, and that long before it was last: two
 * holders at once are not made of two clocks.
 * @internal also for tests
 */
export function withinDoubt(samples: readonly Sample[], doubt: number): Sample[] {
  const looks = samples.filter(({ holdsVip }) => holdsVip !== undefined);
  const edges = looks.filter(({ holdsVip }, position) => holdsVip && (looks[position - 1]?.holdsVip === false || looks[position + 1]?.holdsVip === false));
  return samples.filter((sample) => !sample.holdsVip || !edges.some(({ at }) => Math.abs(at - sample.at) < doubt));
}

/**
 * Lines "MS vip 0|1" and "MS servers NAME:OP:ADMIN…", as the watcher writes them; a line that was cut is left out. `toProber` gets the host's monotonic milliseconds.
 * @internal also for tests
 */
export function parseSamples(host: string, text: string, toProber: (monotonic: number) => number): Sample[] {
  return text.split('\n').flatMap((line): Sample[] => {
    const [time = '', what, ...rest] = line.split(' ');
    if (!/^\d+(\.\d+)?$/.test(time)) return [];
    const about = { kind: 'sample', host, at: toProber(Number(time)) } as const;
    if (what === 'vip' && /^[01]$/.test(rest[0] ?? '')) return [{ ...about, holdsVip: rest[0] === '1' }];
    if (what === 'servers' && rest.at(-1) === '.') return [{ ...about, servers: rest.slice(0, -1).map(serverState) }];
    return [];
  });
}

/**
 * The watcher starts at boot before keepalived does, so a host that was not seen for a while had no power, and nobody on it to say so.
 * @internal also for tests
 */
export function withDarkness(host: string, samples: readonly Sample[], from: number): Sample[] {
  const seen = samples.filter(({ holdsVip }) => holdsVip !== undefined).map(({ at }) => at).sort((a, b) => a - b);
  const holes = seen.slice(1).map((end, position) => ({ begin: seen[position]!, end })).filter(({ begin, end }) => end > from && end - begin > 400);
  const dark = holes.flatMap(({ begin, end }) => Array.from({ length: Math.floor((end - begin) / 200) - 1 }, (_, turn): Sample => ({ kind: 'sample', host, at: begin + (turn + 1) * 200, holdsVip: false })));
  return [...samples, ...dark];
}

/** HAProxy's numbers: operational state 0 is stopped; bits 8 and 16 of the administrative one are drain. */
function serverState(text: string): string {
  const [name, operational, administrative] = text.split(':');
  const state = operational === '0' ? 'DOWN' : (Number(administrative) & 0x18) !== 0 ? 'DRAIN' : 'UP';
  return `${name} ${state}`;
}

/** VIP SOCKET FILE COPY. The VIP is looked up in the kernel's table of local addresses: no process a turn. */
const watcher = `
use strict; use IO::Socket::UNIX; use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);
my ($vip, $socket, $file, $copy) = @ARGV;
open my $out, ">>", $file or die; $out->autoflush(1);
keep_copy() unless fork;
my ($holds, $turn, $told, $before) = ("", 0, 0, 0);
while (1) {
  my $now = sprintf "%.1f", clock_gettime(CLOCK_MONOTONIC) * 1000;
  my $has = 0;
  if (open my $trie, "<", "/proc/net/fib_trie") { local $/; $has = <$trie> =~ /\\|-- \\Q$vip\\E\\n\\s+\\/32 host LOCAL/ ? 1 : 0; }
  # A change is between the last look and this one, not since the last line.
  print $out "$before vip $holds\\n" if $has ne $holds && $before > $told;
  if ($has ne $holds || $now - $told > 100) { print $out "$now vip $has\\n"; ($holds, $told) = ($has, $now); }
  $before = $now;
  if ($turn++ % 10 == 0 and my $s = IO::Socket::UNIX->new(Peer => $socket, Timeout => 0.1)) {
    $s->print("show servers state api\\n"); my $text = "";
    my $bits = ""; vec($bits, fileno($s), 1) = 1;
    while (select(my $ready = $bits, undef, undef, 0.1) > 0) { last unless sysread($s, $text, 65536, length $text); }
    my @servers = map { my @f = split; @f > 6 && $f[3] !~ /-unchecked$/ ? "$f[3]:$f[5]:$f[6]" : () } grep /^\\d+ api /, split /\\n/, $text;
    print $out "$now servers @servers .\\n" if @servers;
  }
  sleep 0.02;
}
# A process of its own: it may have to wait for the disk.
sub keep_copy {
  open my $in, "<", $file or die;
  open my $kept, ">>", $copy or exit;
  while (1) {
    seek $in, 0, 1;
    while (defined(my $line = <$in>)) { until (defined syswrite $kept, $line) { sleep 0.2 } }
    $kept->sync;
    sleep 0.2;
  }
}`;

function unitFile(vip: string): string {
  return `[Unit]
Description=Looks who has the VIP while a drill runs (kubekeep)
Before=kubekeep-keepalived.service

[Service]
ExecStart=/usr/bin/perl ${script} ${vip} ${haproxySocket} ${file} ${copy}
# What a drill that was killed left goes away by itself, also after a boot in between.
RuntimeMaxSec=1800
ExecStopPost=/bin/sh -c '[ "$SERVICE_RESULT" != timeout ] || { systemctl --quiet disable ${unit}; ${tidy}; systemctl daemon-reload; }'
# Who had the VIP has to be seen also where everything else waits for a processor.
Nice=-10
CPUWeight=10000

[Install]
WantedBy=multi-user.target
`;
}

function askLeaders(stage: Stage, toProber: (monotonic: number) => number): { stop(): Promise<Sample[]> } {
  const { cluster, hosts, clock } = stage.operation;
  const samples: Sample[] = [];
  const ended = new AbortController();
  const loops = hostsWith(cluster, 'etcd').map(async (spec) => {
    let client: EtcdClient | undefined;
    while (!ended.signal.aborted) {
      try {
        client ??= await etcdOf(spec, hosts.get(spec.name)!, stage.secrets, clock.now());
        const { leader, member, raftTerm } = await client.status({ deadline: 1000, signal: ended.signal });
        samples.push({ kind: 'sample', host: spec.name, at: toProber(clock.monotonic()), leads: leader === member, term: raftTerm });
      } catch {
        // A member that does not answer is what the drill is about.
        client?.close();
        client = undefined;
      }
      await clock.sleep(etcdInterval, ended.signal).catch(() => {});
    }
    client?.close();
  });
  return {
    async stop() {
      ended.abort();
      await Promise.all(loops);
      return samples;
    },
  };
}
