#!/usr/bin/perl
# Writes what was measured into README.md and plots/speed.md, between their lines <!-- begin NAME
# --> and <!-- end -->.
#
#     plots/readme.pl                     from the last full run (out/full) and the last bench (out/bench.tsv), after
#                                         `make tour` and `make bench`: plots/numbers.tsv gets its got, truth and
#                                         tolerance, plots/gallery its pictures, then as below
#     plots/readme.pl tables [FOLDER]     README.md from plots/numbers.tsv and plots/speed.md alone, both as they are in
#                                         the tree (FOLDER: into a copy there, which tests compare)
use strict;
use warnings;
use POSIX qw(floor);
require './plots/alt.pl';

my ($how, $folder) = ($ARGV[0] // '', $ARGV[1] // '.');
die "usage: plots/readme.pl [tables [FOLDER]]\n" unless $how =~ /^(tables)?$/;
sub slurp { my ($f) = @_; open my $h, '<', $f or die "$f: $!\n"; local $/; my $t = <$h>; $t }
sub spew { my ($f, $text) = @_; open my $h, '>', $f or die "$f: $!\n"; print $h $text; close $h or die "$f: $!\n" }
sub fields { map { [split /\t/, $_, -1] } split /\n/, slurp($_[0]) }
sub between { # between FILE, NAME, TEXT
    my ($file, $name, $text) = @_;
    my $page = slurp($file);
    $page =~ s/(<!-- begin \Q$name\E -->\n).*?(<!-- end -->\n)/$1$text$2/s or die "$file has no <!-- begin $name -->\n";
    spew($file, $page);
}

# 1. numbers.tsv: which row of which proof is shown is written by hand; what came out is filled in
my ($head, @numbers) = fields('plots/numbers.tsv');
if (!$how) {
    for ((map { "out/full/$_->[0]/checks.tsv" } @numbers), 'out/bench.tsv', 'out/bench/machine.txt') {
        -s or die "there is no $_: run `make tour` and `make bench`, then `make readme`\n"; # before anything is written
    }
    for (@numbers) {
        my ($proof, $row) = @$_[0, 4];
        my ($hit) = grep { $_->[0] eq $row } fields("out/full/$proof/checks.tsv");
        die "$proof has no row \"$row\": run `make tour`, or mend plots/numbers.tsv\n" unless $hit;
        die "$proof: \"$row\" has not passed\n" unless $hit->[4] eq 'PASS';
        @$_[5 .. 7] = @$hit[1 .. 3];
    }
    spew('plots/numbers.tsv', join '', map { join("\t", @$_) . "\n" } $head, @numbers);
    my %wanted = map { ("$_->[0]_$_->[1].png" => $_->[0]) } @numbers;
    unlink grep { !$wanted{s{.*/}{}r} } glob 'plots/gallery/[0-9]*.png';
    for (sort keys %wanted) { system('plots/shrink.pl', "out/full/$wanted{$_}/$_", "plots/gallery/$_") == 0 or exit 1 }
}

# 2. the documents' table
sub number { # with the place after the first digit of its tolerance; what is exact, as it is
    my ($x, $truth, $tolerance) = @_;
    return sprintf "%.0f", $x if abs $x < 1e9 && $x == int $x && ($tolerance == 0 || $truth == 0);
    return sprintf "%.1g", $x if $truth == 0 && abs $x < 1e-3;
    my $places = $tolerance > 0 ? 1 - floor(log($tolerance) / log(10)) : 6;
    return sprintf "%.*f", $places < 0 ? 0 : $places > 6 ? 6 : $places, $x;
}
sub short { # its first sentence
    my ($name, $else) = @_;
    my $text = alt($name) =~ s/[.;]\s.*|[.;]$//sr;
    return length $text ? $text =~ s/"/”/gr : $else;
}
my ($table, $last) = ("| proof, of which document | its figure | what was measured: **got**, truth ± tolerance |\n|---|---|---|\n", '');
for (@numbers) {
    my ($proof, $figure, $documents) = @$_;
    next if $proof eq $last;
    $last = $proof;
    my @asked;
    for (grep { $_->[0] eq $proof } @numbers) {
        my ($got, $truth, $tolerance) = @$_[5 .. 7];
        my $numbers = '**' . number($got, $truth, $tolerance) . '**, ' . number($truth, $truth, $tolerance) . ($tolerance > 0 ? sprintf ' ± %.2g', $tolerance : '');
        push @asked, "$_->[3]: " . $numbers =~ s/-/−/gr;
    }
    my ($number, $words) = ($proof =~ /^(\d+)_/, $figure =~ s/_/ /gr);
    my $picture = "plots/gallery/${proof}_$figure.png";
    $table .= sprintf "| [%s](tutorial/%s.c)<br>%s | [<img src=\"%s\" width=\"200\" alt=\"%s\">](%s) | %s |\n",
        $proof =~ s/_/ /gr, $proof, $documents, $picture, short("${proof}_$figure", "$words, of proof $number"), $picture, join('<br>', @asked);
}
spew("$folder/README.md", slurp('README.md')) if $folder ne '.';
between("$folder/README.md", 'table', $table);

# 3. speed: all rows in plots/speed.md, eight of them in README.md
if (!$how) {
    my (undef, @bench) = map { [map { $_ eq '-' ? '' : $_ } @$_] } fields('out/bench.tsv');
    my $text = "| job | here | peer | its | ratio | cpu | share of the floor | bar | met |\n|---|---|---|---|---|---|---|---|---|\n";
    for (grep { $_->[0] !~ /, / } @bench) {
        my ($name, $value, $unit, $peer, $its, $ratio, $share, $bar, $met, $cpu) = @$_;
        $text .= '| ' . join(' | ', $name, "$value $unit", $peer, $its, $ratio, $cpu // '', $share, $bar, $met) . " |\n";
    }
    $text .= "\nEach kind of layer alone, 64 images, one thread: forward, and forward with backward. The share is that of the\n"
        . "multiply-adds’ peak (Winograd’s form of a 3 × 3 convolution does with fewer than its definition), or of the memory’s bandwidth.\n\n"
        . "| layer | forward | share | with backward | share |\n|---|---|---|---|---|\n";
    my %layer = map { ($_->[0] => $_) } @bench;
    for (grep { $_->[0] =~ /, / && $_->[0] !~ /with backward$/ } @bench) {
        my $back = $layer{"$_->[0], with backward"};
        $text .= '| ' . join(' | ', $_->[0], "$_->[1] $_->[2]", $_->[6], "$back->[1] $back->[2]", $back->[6]) . " |\n";
    }
    my $machine = slurp('out/bench/machine.txt');
    between('plots/speed.md', 'speed', $text . ($machine ? "\n" . $machine =~ s/(.{1,99})(?: |\n)/$1\n/gr : ''));
}
my %bench;
for (split /\n/, slurp('plots/speed.md')) { my @f = split m{ *\| *}, $_, -1; $bench{"$f[1]|$f[3]"} = \@f if @f > 8 }
my $eight = "| job | here | beside it | its | ratio |\n|---|---|---|---|---|\n";
for (['circle_train|PyTorch, eager', 'training the circle’s network'], ['circle_train|JAX, 1000 steps in a scan', 'the same'],
     ['circle_sample|PyTorch', 'drawing samples of it'], ['ncsn_train|PyTorch, eager', 'training the network of proof 15'],
     ['unet_train|PyTorch, eager, its best layout', 'training a U-Net, 28 × 28'],
     ['diffusers_forward|diffusers, its best layout', 'asking a U-Net of 17 million'],
     ['moons_train|sbgm, all of a step in one jit', 'training on moons'], ['moons_likelihood|diffrax', 'exact likelihoods of moons']) {
    my ($key, $words) = @$_;
    my $f = $bench{$key} or die "plots/speed.md has no row $key\n";
    s/^([\d.]+e\+\d+)/sprintf "%.0f", $1/e for my ($here, $its, $ratio) = @$f[2, 4, 5];
    $eight .= sprintf "| %s | %s | %s | %s | %.2f |\n", $words, $here, $f->[3], $its, $ratio;
}
between("$folder/README.md", 'speed', $eight);
print "README.md", $how ? " is that of the tree\n" : ", plots/numbers.tsv, plots/speed.md and plots/gallery are up to date\n";
