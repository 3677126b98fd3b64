#!/usr/bin/perl
# citations.pl sgm.h FILE...: an equation that is cited must exist, stand in order, and hold a symbol of what cites it.
# A line of code that says (5.3) is about the letters of its names: score s, beta β, x0 x, g2 g, ... If it has two or more
# such letters and (5.3) has none of them, or prose says "the $γ$ of (5.3)" and (5.3) has no γ, the number is wrong.
use strict; use warnings; use utf8;
use open qw(:std :utf8);
my ($page, @files) = @ARGV;
my $book; # from Part II on
my $shift = $ENV{SHIFT} // 0; # as a test of this test: every citation moved by so many numbers
my %greek = (alpha=>'α', beta=>'β', gamma=>'γ', eps=>'ε', epsilon=>'ε', sigma=>'σ', lambda=>'λ', theta=>'θ', rho=>'ρ', tau=>'τ',
    eta=>'η', zeta=>'ζ', kappa=>'κ', delta=>'δ', phi=>'φ', mu=>'μ', pi=>'π', chi=>'χ', omega=>'ω', xi=>'ξ', nu=>'ν', psi=>'ψ');
my %word = (x0=>'x', x1=>'x', xt=>'x', g2=>'g', s2=>'s', m2=>'m', logp=>'p', score=>'s', noise=>'ε', weight=>'w', mean=>'m', std=>'s',
    js=>'s', dx=>'x', dy=>'y', dw=>'w', tangent=>'x', gain=>'g', bias=>'b', grad=>'g', var=>'v', rate=>'γ', step=>'h');
sub letters { # of a formula
    my $f = shift;
    $f =~ s/\\text\{[^}]*\}//g; $f =~ s/\\(alpha|beta|gamma|epsilon|sigma|lambda|theta|rho|tau|eta)\b/$greek{$1}/g;
    $f =~ s/\\[A-Za-z]+/ /g; $f =~ s/\b(log|exp|tr|det|erf|max|min|softmax|mod|or|and|for|with|if|where|else|the|of|is)\b/ /g;
    my %l; $l{lc $_}++ for $f =~ /\p{L}/g; return \%l;
}
sub symbols { # of a line of code
    my $c = shift; my %l;
    $c =~ s/"(\\.|[^"])*"//g; $c =~ s/\((?:10|[1-9A-H])\.\d+\)//g;
    $l{lc $_}++ for $c =~ m{/\*.*?([α-ω]).*?\*/}g;
    for my $id ($c =~ /[A-Za-z_][A-Za-z_0-9]*/g) {
        $l{$greek{$_} || $word{$_} || lc}++ for grep { length == 1 || $greek{$_} || $word{$_} } ($id =~ /_/ ? split(/_+/, $id) : $id);
    }
    delete @l{qw(i j k n d l)}; # counters and sizes
    return \%l;
}
my (%text, %at, @order, $bad);
sub say_bad { print "@_\n"; $bad = 1 }
open my $in, '<', $page or die "$page: $!\n"; my @lines = <$in>; close $in;
my ($prose, $formula) = (0, '');
for my $n (0 .. $#lines) {
    my $line = $lines[$n];
    $prose = 1, $formula = '' if $line =~ m{^/\*};
    if ($prose) {
        $formula = '' if $line =~ /^\s*$/ || $line =~ /^#/;
        my $rest = $line;
        while ($rest =~ s/^(.*?)\\qquad\s*\((10|[0-9A-H])\.(\d+)\)//) {
            my ($before, $chapter, $k) = ($1, $2, $3);
            my $name = "$chapter.$k";
            say_bad("$page:" . ($n + 1) . ": ($name) is defined twice") if $text{$name};
            say_bad("$page:" . ($n + 1) . ": ($name) after ($order[-1])") if @order && $order[-1] =~ /^$chapter\.(\d+)/ && $1 >= $k;
            ($text{$name}, $at{$name}, $formula) = ($formula . $before, $n + 1, '');
            push @order, $name;
        }
        $text{$order[-1]} .= ' ' . $rest if @order && $rest =~ /\S/ && $at{$order[-1]} == $n + 1; # what follows the number
        $formula .= $rest;
    }
    $prose = 0 if $line =~ m{\*/};
}
my ($checked, $wrong, $cited) = (0, 0, 0);
sub cited {
    my ($name, $where) = @_;
    $cited++;
    if ($shift) { my ($c, $k) = split /\./, $name; my $other = "$c." . ($k + $shift); $name = $other if $text{$other} }
    say_bad("$where: cites ($name), which is not defined") unless $text{$name};
    return $name;
}
for my $file ($page, @files) {
    open my $in, '<', $file or die "$file: $!\n"; my @l = <$in>; close $in;
    my $prose = 0;
    for my $n (0 .. $#l) {
        my $where = "$file:" . ($n + 1);
        $prose = 1 if $l[$n] =~ m{^/\*};
        $book = $file eq $page && ($book || $l[$n] =~ /^# Part II:/);
        my $plain = $l[$n]; $plain =~ s/\\qquad\s*\([^)]*\)//g;
        my $code = $prose ? '' : $plain;
        while ($plain =~ /(?<![A-Za-z_])\(((?:10|[1-9A-H])\.[1-9][0-9]?)\)/g) {
            my $name = cited($1, $where);
            next unless $text{$name} && !$prose && $book && $plain =~ m{/\*[^*]*\(\Q$1\E\)};
            my ($have, $want) = (symbols(($l[$n - 1] =~ m{[;{}]\s*(/\*.*\*/)?\s*$} ? '' : $l[$n - 1]) . $l[$n]), letters($text{$name}));
            next unless keys %$have >= 2;
            $checked++;
            next if grep { $want->{$_} } keys %$have;
            $wrong++;
            print "$where: cites ($name), which has none of " . join(' ', sort keys %$have) . ": $l[$n]" unless $shift;
            $bad = 1;
        }
        while ($prose && $plain =~ /\$([^\$]{1,16})\$ (?:of|in|from) \(((?:10|[1-9A-H])\.[1-9][0-9]?)\)|\(((?:10|[1-9A-H])\.[1-9][0-9]?)\)'s \$([^\$]{1,16})\$/g) {
            my ($f, $name) = defined $1 ? ($1, $2) : ($4, $3);
            $name = cited($name, $where);
            next unless $text{$name};
            my ($have, $want) = (letters($f), letters($text{$name}));
            $checked++;
            next if !%$have || grep { $want->{$_} } keys %$have;
            $wrong++;
            print "$where: \$$f\$ of ($name), which has no such letter\n" unless $shift;
            $bad = 1;
        }
        $prose = 0 if $l[$n] =~ m{\*/};
    }
}
print "$cited citations of " . keys(%text) . " equations, $checked held to their symbols, $wrong wrong\n";
exit($bad ? 1 : 0);
