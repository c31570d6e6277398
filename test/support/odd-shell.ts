/**
 * A login shell that shares only the simplest things with sh, as fish and csh do: words, single quotes and `exec`. It refuses everything else, so
 * that a command which works with it works with them.
 */
export const oddShell = `#!/usr/bin/perl
use strict;
my ($flag, $command) = @ARGV;
die "odd-shell: interactive only\\n" unless $flag eq '-c';
my @words;
while ($command =~ /\\G\\s*((?:[^\\s']|'[^'\\n\\\\\\\\!]*')+)/gc) {
  my $word = $1;
  (my $bare = $word) =~ s/'[^']*'//g;
  die "odd-shell: cannot read $word\\n" if $bare =~ m{[^A-Za-z0-9_.,/=:+-]};
  $word =~ s/'//g;
  push @words, $word;
}
die "odd-shell: cannot read the end of $command\\n" if $command =~ /\\G\\s*\\S/gc;
shift @words if $words[0] eq 'exec';
exec @words or die "odd-shell: $words[0]: $!\\n";`;
