import { needleLength } from './needles.ts';

/** Where the search lives on a host: in memory, and for root alone. */
export const searchFolder = '/run/kubekeep-drill';
export const searchScript = `${searchFolder}/search.pl`;
export const hintsFile = `${searchFolder}/hints`;

/**
 * Looks for hints and prints "PLACE<tab>" with what stands there, as long as a needle: whoever has the needles tells whether it is one. `watch`: at the
 * arguments and environments of processes, five times a second, until it is ended; `once`: one such look; `text PLACE`: at its input; `files`: at the files that its
 * input names, each ended by a zero. The last word of all but `files` and `text` is there to be found. "looks<tab>N" and "read<tab>WHAT<tab>BYTES" say how much it saw.
 */
export const searchProgram = `
use strict; my ($mode, $place) = @ARGV; $| = 1; my $length = ${needleLength};
open my $f, "<", "${hintsFile}" or die; chomp(my @hints = <$f>); my $hint = join "|", map quotemeta, @hints; $hint = qr/$hint/;
my (%known, %age, $looks);
sub show { my ($where, $text) = @_;
  while ($text =~ /$hint/g) { my $at = $-[0]; my $piece = substr $text, $at, $length; $piece =~ s/[^!-~]/ /g; print "$where\\t$piece\\n" if length $piece == $length; pos($text) = $at + 1 } }
sub slurp { open my $in, "<", $_[0] or return ""; local $/; my $text = <$in>; $text // "" }
sub through { my ($in, $where) = @_; my ($rest, $bytes, $got) = ("", 0);
  while ($got = read $in, my $part, 1 << 20) { $bytes += $got; show($where, $rest . $part); $rest = substr $rest . $part, 1 - $length }
  $bytes }
sub look { $looks++; opendir my $all, "/proc" or die; my %now;
  for my $pid (grep /^\\d/, readdir $all) { my $n = $now{$pid} = ($age{$pid} // 0) + 1;
    # A young process may become another program; an old one is looked at once in a while.
    next if $n > 30 && ($n + $pid) % 30;
    for (["cmdline", "arguments"], ["environ", "environment"]) { my $text = slurp("/proc/$pid/$_->[0]"); next if $text eq "" || $known{$text}++;
      my $name = slurp("/proc/$pid/comm"); $name =~ s/\\W+//g; show("$_->[1] of $name", $text) } }
  %age = %now }
if ($mode eq "watch") { $SIG{TERM} = sub { print "looks\\t$looks\\n"; exit 0 }; while (1) { look(); select undef, undef, undef, 0.2 } }
if ($mode eq "once") { look(); print "looks\\t1\\n" }
if ($mode eq "text") { printf "read\\t$place\\t%d\\n", through(\\*STDIN, $place) }
if ($mode eq "files") { my ($count, $bytes) = (0, 0); local $/ = "\\0"; my @names = <STDIN>; local $/ = undef;
  for (@names) { chomp(my $name = $_); $name =~ s/\\0$//; open my $in, "<", $name or next; $count++; $bytes += through($in, $name) }
  print "read\\t$count files\\t$bytes\\n" }
`;
