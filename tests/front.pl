#!/usr/bin/perl
# front.pl [README.md]: what the front door promises. Its commands are targets of the Makefile, its
# links lead somewhere, its numbers are those of the tables in the tree, and its pictures are small.
use strict; use warnings;
my $readme = shift // 'README.md';
my ($bad, $commands, $links) = (0, 0, 0);
sub slurp { my ($f) = @_; open my $h, '<', $f or die "$f: $!\n"; local $/; my $t = <$h>; $t }
sub say_bad { print "$_[0]\n"; $bad = 1 }

my %target;
for (split /\n/, slurp('Makefile')) { $target{$_} = 1 for /^([a-z][a-z. -]*):(?!=)/ ? split / /, $1 : () }
my %program = map { m{/(\d\d)_} ? ($1 => 1) : () } glob 'tutorial/[0-9][0-9]_*.c';
sub there { # is there such a target?
    my ($t) = @_;
    return 1 if $target{$t} || $t =~ /^(?:(?:watch|step|try)?NN|tryNN\.[K1])$/;
    return $program{$2} && ($1 ne 'try') == !defined $3 if $t =~ /^(watch|step|try|)(\d\d)(\.\d)?$/;
    return $t =~ m{^out/};
}
for my $page ($readme, qw(CONTRIBUTING.md SECURITY.md CHANGELOG.md plots/speed.md examples/mpi/README.md)) {
    my $text = slurp($page);
    (my $folder = $page eq $readme ? '' : $page) =~ s{[^/]*$}{};
    my @code = $text =~ /`([^`\n]+)`/g;
    push @code, $text =~ /^ {4}(.*)$/mg unless $page eq 'CHANGELOG.md'; # which may name what was
    for (@code) {
        s/(?:^|\s)#.*//;
        next unless /(?:^|[ ;&])make (.*)/;
        for my $t (split / +/, $1 =~ s/[;&|].*//r) {
            next if $t =~ /=/;
            $commands++;
            say_bad("$page: make has no target \"$t\"") unless there($t);
        }
    }
    for my $link ($text =~ /\]\(([^)\s]+)\)/g, $text =~ /(?:src|href)="([^"]+)"/g, grep { m{^(?:examples|tests|tutorial|plots)/[\w./-]+$} } @code) {
        next if $link =~ /^(?:https?:|#)/ || $link =~ /N_|NN_/;
        $links++;
        (my $file = $link) =~ s/#.*//;
        say_bad("$page: no $file") unless -e "$folder$file" || -e $file;
    }
}
my $text = slurp($readme);
for ('make setup tour', 'make setup test', 'make setup-lesson lesson') { say_bad("$readme has lost \"$_\"") unless $text =~ /^ {4}\Q$_\E /m }
my $lines = $text =~ tr/\n//;
say_bad("$readme has $lines lines, more than 210") if $lines > 210; # 150 until it told of tables, the command and packages

# the table of tables is that of the benchmark
my ($tables) = $text =~ /<!-- begin tables -->\n(.*?)<!-- end -->/s;
my $measured = slurp('plots/tables.md');
say_bad("$readme has no table of tables") unless $tables && $tables =~ /sgm_fit/;
for (split /\n/, $tables // '') { say_bad("$readme: not in plots/tables.md: $_") if index($measured, "$_\n") < 0 }

# how many proofs, and what the tables of the tree say
my $proofs = grep { $_ >= 11 } keys %program;
while ($text =~ /(\d+) programs/g) { say_bad("$readme: $1 programs; there are $proofs") if $1 != $proofs }
my ($first, $last) = (sort grep { $_ >= 11 } keys %program)[0, -1];
say_bad("$readme does not say make $first to make $last") unless $text =~ /`make $first` to `make $last`/;
my $tmp = ($ENV{build} // 'out/tests') . '/front';
system('mkdir', '-p', $tmp) == 0 or die;
if (system("plots/readme.pl tables $tmp >$tmp/said 2>&1") != 0) { say_bad(slurp("$tmp/said")) }
for my $name (qw(table speed)) {
    my ($have, $want) = map { slurp($_) =~ /<!-- begin $name -->\n(.*?)<!-- end -->/s } $readme, "$tmp/README.md";
    my @have = split /\n/, $have // ''; my @want = split /\n/, $want // '';
    for (0 .. ($#have > $#want ? $#have : $#want)) {
        next if ($have[$_] // '') eq ($want[$_] // '');
        say_bad("$readme: not what the tables in plots say: " . ($have[$_] // '(nothing)')); last;
    }
}
for (glob 'plots/gallery/*') { my $most = /\.gif$/ ? 300 : 80; say_bad(sprintf '%s has %d KB, more than %d', $_, (-s $_) / 1000, $most) if -s $_ > 1000 * $most }
print "$commands commands, $links links, $lines lines, $proofs proofs\n";
exit $bad;
