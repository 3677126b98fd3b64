#!/usr/bin/perl
# Which number answers which line of the documents. Two lists say what is promised: tutorial/claims.tsv (document, line,
# what it says, tutorial, row) and tutorial/map.tsv (group, idea, equation, function, tutorial, row). A row that ends in *
# stands for all rows that begin so. This script finds each row in the tables that the tutorials wrote, and fails if one has
# vanished or has not passed.
#
#     plots/claims.pl FOLDER page     prints the page of both lists, each line with its number
#     plots/claims.pl FOLDER check    prints what is wrong; a row that a short run leaves out must stand in the source
use strict;
use warnings;
use File::Glob ':bsd_glob'; # a blank in a name is a blank

my ($folder, $how) = @ARGV;
die "usage: plots/claims.pl FOLDER page|check\n" unless $how && $how =~ /^(page|check)$/;
my $bad = 0;
sub say_bad { print STDERR "$_[0]\n"; $bad = 1 }

sub slurp { my ($f) = @_; open my $h, '<', $f or return ''; local $/; my $t = <$h>; $t }

# the rows that tutorials wrote
my (%rows, %order);
for my $file (glob "$folder/[0-9][0-9]_*/checks.tsv") {
    my ($topic) = $file =~ m{([^/]+)/checks\.tsv$};
    my @lines = split /\n/, slurp($file);
    shift @lines;
    for (@lines) { my @f = split /\t/; next if @f != 5; $rows{$topic}{$f[0]} = [@f[1 .. 4]]; push @{$order{$topic}}, $f[0] }
}

# the names that a source can give: its strings, adjacent ones joined, each %-format for anything
my %patterns;
sub patterns {
    my ($topic) = @_;
    return $patterns{$topic} ||= do {
        my $text = slurp("tutorial/$topic.c");
        my @found;
        while ($text =~ /("(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*)/g) {
            my $s = $1;
            $s =~ s/"\s*"//g; $s =~ s/^"|"$//g;
            my $fixed = $s; $fixed =~ s/%[-+0-9.*l]*[a-zA-Z]//g;
            next if length($fixed) < 4;
            my $p = join '', map { /^%[-+0-9.*l]*[a-zA-Z]$/ ? '.*' : /^%%$/ ? '%' : quotemeta } split /(%[-+0-9.*l]*[a-zA-Z]|%%)/, $s;
            push @found, [qr/^$p$/, $s =~ /^([^%]*)/];
        }
        \@found;
    };
}

# answer(TOPIC, ROW): got, truth, tolerance and verdict of one row, or of the worst of several
sub answer {
    my ($where, $topic, $row) = @_;
    if (!-f "tutorial/$topic.c") { say_bad("$where: there is no tutorial/$topic.c"); return }
    my ($name, $many) = $row =~ /^(.*?)(\*?)$/;
    my @hit = grep { $many ? index($_, $name) == 0 : $_ eq $name } @{$order{$topic} || []};
    my @lost = grep { $rows{$topic}{$_}[3] ne 'PASS' } @hit;
    say_bad("$where: \"$_\" of $topic has not passed") for @lost;
    return (\@hit, map { $rows{$topic}{$_} } @hit) if @hit;
    if ($how eq 'page' || $folder !~ m{(^|/)test$}) { say_bad("$where: $topic has no row \"$row\"") if $order{$topic}; return }
    my ($tail) = $name =~ /^[^:]*: (.*)/; # a source may say "%s: %s" once, and then what stands behind the colon
    say_bad("$where: no row of $topic can be called \"$row\"") unless grep { my ($whole, $start) = @$_;
        $many ? length $start > 3 && (index($start, $name) == 0 || index($name, $start) == 0)
              : $name =~ $whole || (defined $tail && $tail =~ $whole) } @{patterns($topic)};
    return;
}

sub table {
    my ($file, $fields) = @_;
    my @lines = split /\n/, slurp($file);
    my @head = split /\t/, shift @lines // '';
    my (@all, %seen);
    for my $i (0 .. $#lines) {
        my @f = split /\t/, $lines[$i];
        my $where = "$file:" . ($i + 2);
        if (@f < $fields || @f > $fields + 1 || grep { !length } @f[0 .. $fields - 1]) { say_bad("$where: not $fields fields"); next }
        say_bad("$where: stands there twice") if $seen{$lines[$i]}++;
        push @all, [$where, @f];
    }
    say_bad("$file is empty") unless @all;
    return @all;
}

my @claims = table('tutorial/claims.tsv', 5);
my @map = table('tutorial/map.tsv', 6);
my @documents = ('SGM_GTAP', 'SBGM', 'Masterclass', 'SDE README', 'Lens');
my ($doc, $line, %count) = (0, 0);
for (@claims) {
    my ($where, $d, $l) = @$_;
    my ($at) = grep { $documents[$_] eq $d } 0 .. $#documents;
    my ($first) = $l =~ /^(\d+)(?:-\d+)?$/;
    if (!defined $at) { say_bad("$where: no document \"$d\""); next }
    if (!defined $first) { say_bad("$where: no line \"$l\""); next }
    say_bad("$where: not in the order of documents and lines") if $at < $doc || ($at == $doc && $first < $line);
    ($doc, $line) = ($at, $first);
    $count{$d}++;
}

# what README shows of them: each row is there, and what is written down is within its tolerance
for (-f 'plots/numbers.tsv' ? table('plots/numbers.tsv', 8) : ()) {
    my ($where, $topic, $figure, $documents, $asked, $row, $got, $truth, $tolerance) = @$_;
    answer($where, $topic, $row);
    say_bad("$where: $got is no $truth ± $tolerance") unless abs($got - $truth) <= $tolerance * (1 + 1e-3) + 1e-12;
}

my $header = slurp('sgm.h');
my ($interface) = $header =~ /^(.*?)^# Part II/ms;
for (@map) {
    my ($where, $group, $idea, $equation, $function) = @$_;
    for my $e ($equation =~ /\(([0-9T.]+)\)/g) {
        say_bad("$where: no equation ($e)") unless $header =~ /\\qquad\(\Q$e\E\)/ || ($e =~ /^T(\d+)\./ && slurp((glob sprintf 'tutorial/%02d_*.c', $1)[0] // '') =~ /\(\Q$e\E\)/);
    }
    for my $f ($function =~ /\b(sgm_\w+|SGM_\w+)/g) {
        say_bad("$where: the interface has no $f") unless $interface =~ /\b\Q$f\E\b/;
    }
}

sub h { my ($s) = @_; $s =~ s/&/&amp;/g; $s =~ s/</&lt;/g; $s =~ s/>/&gt;/g; $s }
sub number { my ($x) = @_; $x =~ /^-?[\d.]+(e[-+]?\d+)?$/i ? sprintf('%.5g', $x) : $x }
sub numbers { # what is shown of a claim's rows
    my ($names, @r) = @_;
    return '<td colspan="3" class="no">not run</td>' unless $names && @$names;
    return sprintf '<td class="n">%s</td><td class="n">%s</td><td class="n">±%s</td>', number($r[0][0]), number($r[0][1]), number($r[0][2]) if @r == 1;
    my $lost = grep { $_->[3] ne 'PASS' } @r;
    return sprintf '<td colspan="3">%d rows, %s</td>', scalar @r, $lost ? "$lost have not passed" : 'all passed';
}
sub link_of { my ($t) = @_; "<a href=\"report.html#$t\">$t</a>" }

my (@claim_lines, @map_lines);
for (@claims) {
    my ($where, $d, $l, $what, $topic, $row, $verdict) = @$_;
    my @a = answer($where, $topic, $row);
    push @claim_lines, [$d, sprintf '<tr%s><td class="n">%s</td><th scope="row">%s%s</th><td class="t">%s</td><td class="t">%s</td>%s</tr>', ($verdict // '') eq 'wrong' ? ' class="wrong"' : '',
        $l, h($what), ($verdict // '') ne '' ? " <b>(" . h($verdict) . ')</b>' : '', link_of($topic), h($row), numbers(@a)];
}
for (@map) {
    my ($where, $group, $idea, $equation, $function, $topic, $row) = @$_;
    my @a = answer($where, $topic, $row);
    push @map_lines, [$group, sprintf '<tr><th scope="row">%s</th><td>%s</td><td class="t"><code>%s</code></td><td class="t">%s</td><td class="t">%s</td>%s</tr>', h($idea), h($equation), h($function), link_of($topic), h($row), numbers(@a)];
}
if ($how eq 'check') {
    printf "%d lines of the documents (%s), %d lines of the field map\n", scalar @claims,
        join(', ', map { "$_ " . ($count{$_} // 0) } @documents), scalar @map;
    exit $bad;
}

my ($version) = $header =~ /#define SGM_VERSION "([^"]+)"/;
my %title = ('SGM_GTAP' => 'SGM_GTAP: Score-based generative models, a simple JAX implementation (H. Gangloff, 2025, after J. Pidstrigach)',
    'SBGM' => 'SBGM: Score-Based Generative Models in JAX (J. Homer)', 'Masterclass' => 'Score-Based Generative Models: Masterclass Notes (lecture by A. Shysheya)',
    'SDE README' => 'Score-Based Generative Modeling through SDEs (a README after Song et al. 2021)', 'Lens' => 'Diffusion Through the Lens of Score Matching (EngineersOfAI lesson)');
sub id { my ($s) = @_; $s = lc $s; $s =~ s/[^a-z0-9]+/-/g; $s }
my (@groups, %group);
for (@map_lines) { push @groups, $_->[0] unless $group{$_->[0]}++ }
sub section { # section ID, TITLE, HEADINGS, LINES
    my ($id, $name, $headings, @lines) = @_;
    print "<section aria-labelledby=\"$id\">\n<h2 id=\"$id\">", h($name), "</h2>\n<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"", h($name) =~ s/"/&quot;/gr, "\">\n<table>\n<thead><tr>",
        (map { '<th scope="col"' . (/^(got|truth|tolerance|equation|line)$/ ? '' : ' class="t"') . ">$_</th>" } @$headings), "</tr></thead>\n<tbody>\n",
        (map { "$_\n" } @lines), "</tbody>\n</table>\n</div>\n</section>\n";
}
print <<"HTML";
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>sgm.h: the field map</title>
<style>
@{[slurp('plots/pages.css')]}</style>
</head>
<body>
<a class="skip" href="#main">to the map</a>
<header>
<h1>sgm.h @{[h($version // '')]}: the field map</h1>
<p>Each idea with its equation and its function in <code>sgm.h</code>, the proof that tries it, and the row that measures it: got, truth, tolerance.
Further down, the five documents line by line. Numbers are those of the last run in @{[h($folder)]}; a line on yellow ground is a statement that its number refutes.
<a href="report.html">What the programs found</a> has their figures and all their rows.</p>
</header>
<nav aria-label="parts">
<ul>
HTML
print map { '<li><a href="#' . id($_) . '">' . h($title{$_} // $_) . "</a></li>\n" } @groups, @documents;
print "</ul>\n</nav>\n<main id=\"main\">\n";
for my $group (@groups) {
    section(id($group), $group, [qw(idea equation function proof row got truth tolerance)], map { $_->[0] eq $group ? $_->[1] : () } @map_lines);
}
for my $d (@documents) {
    section(id($d), $title{$d}, ['line', 'what it says', qw(proof row got truth tolerance)], map { $_->[0] eq $d ? $_->[1] : () } @claim_lines);
}
print "</main>\n<footer><p class=\"soft\">Written by plots/claims.pl from tutorial/map.tsv and tutorial/claims.tsv.</p></footer>\n</body>\n</html>\n";
exit $bad;
