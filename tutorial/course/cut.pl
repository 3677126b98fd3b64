#!/usr/bin/perl
# Cuts sgm.h for the course. Each definition that an assignment names in course.tsv is replaced by its prototype, so that
# the whole library calls the student's function; the library's own is kept under the name NAME__own.
#
#     tutorial/course/cut.pl build DIR       writes into DIR
#         sgm.h       without the definitions
#         own.inc     the definitions, renamed; own.h declares them
#         library.c   sgm.h and own.inc: the object that all checkers are linked with
#         lab.h       what a student's file includes: the interface, and the prototypes of what is cut
#         forward.c   NAME calls NAME__own, for all assignments but the one of -DLAB_NN
#     tutorial/course/cut.pl answer NN DIR   writes DIR/NN_topic/answer.c, the model answer: what was cut, with the private
#                                            functions it uses, then the assignment's answer.c
use strict;
use warnings;
use utf8;
use open qw(:std :utf8);
use File::Path 'make_path';

my ($what, @args) = @ARGV;
die "usage: tutorial/course/cut.pl build DIR | answer NN DIR\n"
    unless defined $what && (($what eq 'build' && @args == 1) || ($what eq 'answer' && @args == 2));
my ($here) = $0 =~ m{(.*)/} or die;
my $text = slurp("$here/../../sgm.h");

sub slurp { my ($f) = @_; open my $h, '<', $f or die "error: $f: $!\n"; local $/; <$h> }
sub spew { # leaves what has not changed alone, so that nothing is compiled for it
    my ($f, $s) = @_;
    return if -f $f && slurp($f) eq $s;
    open my $h, '>', "$f.new" or die "error: $f: $!\n";
    print $h $s;
    close $h or die "error: $f: $!\n";
    rename "$f.new", $f or die "error: $f: $!\n";
}

my (@labs, %cuts); # the folders in their order, and the names that each cuts
for (split /\n/, slurp("$here/course.tsv")) {
    next if /^#/ || !/\S/;
    my @c = split /\t/;
    die "error: course.tsv: a line of " . @c . " fields where 6 belong: $_\n" unless @c >= 6;
    push @labs, $c[0];
    $cuts{$c[0]} = [$c[5] eq '-' ? () : split ' ', $c[5]];
}
my %lab_of = map { my $l = $_; map { $_ => $l } @{$cuts{$l}} } @labs;

# definition(NAME): where it begins and ends in the text, and its text; of a function
sub definition {
    my ($name) = @_;
    my $head = qr/^(?:static|SGM_API) [^\n;{}()=]*?\b\Q$name\E\([^;{}]*?\)\s*\{/m;
    my @found;
    while ($text =~ /$head/g) {
        my ($begin, $body) = ($-[0], $+[0]);
        my $line = index $text, "\n", $body;
        my $rest = substr $text, $body, $line - $body;
        my $end = $rest =~ /\}\s*(?:\/\*.*\*\/)?$/ && ($rest =~ tr/{//) < ($rest =~ tr/}//) ? $line + 1 : index($text, "\n}\n", $body) + 3;
        push @found, [$begin, $end, substr($text, $begin, $end - $begin)];
    }
    return @found;
}

sub one_definition {
    my ($name) = @_;
    my @found = definition($name);
    die "error: sgm.h defines $name " . @found . " times\n" unless @found == 1;
    return @{$found[0]};
}

sub prototype_of { # of a definition's text: "double f(int a)"
    my ($def) = @_;
    my ($proto) = $def =~ /^(?:static|SGM_API) ([^{]*?\))\s*\{/s or die "error: no prototype in: $def\n";
    $proto =~ s/\s+/ /g;
    $proto =~ s/\( /(/g;
    return $proto;
}

sub wrapped { # a prototype in lines of 100
    my ($s) = @_;
    my ($out, $line) = ('', '');
    for (split /(?<=,) /, $s) {
        if (length($line) + length() > 96) { $out .= "$line\n"; $line = "    $_" }
        else { $line = length $line ? "$line $_" : $_ }
    }
    return $out . $line;
}

if ($what eq 'build') {
    my ($dir) = @args;
    make_path($dir);
    my (%def, %proto);
    for my $name (sort keys %lab_of) {
        my (undef, undef, $def) = one_definition($name);
        $proto{$name} = prototype_of($def);
        $def{$name} = $def;
        my ($private) = $proto{$name} =~ /\b(sgm__\w+)(?!\w*\()/g;
        die "error: $name takes a $private, which no student's file knows: split the pure part out\n"
            if grep { $_ ne $name } $proto{$name} =~ /\b(sgm__\w+)/g;
    }
    my $cut = $text;
    for my $name (keys %def) {
        my $lab = substr $lab_of{$name}, 0, 2;
        my $place = "/* $name is written in assignment $lab of the course. */\n";
        $place .= wrapped("extern $proto{$name};") . "\n" if $def{$name} =~ /^static/;
        my $at = index $cut, $def{$name};
        substr($cut, $at, length $def{$name}) = $place;
        $cut =~ s/^static ([^\n;{}()=]*?\b\Q$name\E\()/extern $1/mg; # declared before
    }
    my ($own, $own_h, $lab_h, $forward) = ('', '', '', '');
    for my $lab (grep { @{$cuts{$_}} } @labs) {
        my $number = substr $lab, 0, 2;
        $forward .= "\n#ifndef LAB_$number\n";
        for my $name (@{$cuts{$lab}}) {
            my $def = $def{$name};
            $def =~ s/^(static|SGM_API) //;
            $def =~ s{/\*.*?\*/}{}gs;
            $def =~ s/\b\Q$_\E\b/${_}__own/g for @{$cuts{$lab}};
            $def =~ s/[ \t]+\n/\n/g;
            $own .= $def;
            (my $p = $proto{$name}) =~ s/\b\Q$name\E\(/${name}__own(/;
            $own_h .= wrapped("$p;") . "\n";
            $lab_h .= wrapped("$proto{$name};") . "\n" if $def{$name} =~ /^static/;
            my ($list) = $proto{$name} =~ /\((.*)\)$/;
            my $depth = 0;
            my $names = join ', ', map { /(\w+)(?:\[\w*\])?$/ ? $1 : die "error: $name: an argument without a name: $_\n" } split /, ?/, $list;
            my $return = $proto{$name} =~ /^void \Q$name\E\(/ ? '' : 'return ';
            $forward .= wrapped($proto{$name}) . " {\n    $return${name}__own($names);\n}\n";
        }
        $forward .= "#endif\n";
    }
    spew("$dir/sgm.h", $cut);
    spew("$dir/own.h", "/* The library's own: what checkers compare with. */\n$own_h");
    spew("$dir/own.inc", $own);
    spew("$dir/library.c", "#define SGM_IMPLEMENTATION\n#include \"sgm.h\"\n#include \"own.h\"\n#include \"own.inc\"\n");
    spew("$dir/lab.h", "/* What a file of the course includes: the library's interface, and what only the course writes. */\n" .
        "#ifndef LAB_H\n#define LAB_H\n\n#include \"sgm.h\"\n#include <math.h>\n#include <stdlib.h>\n#include <string.h>\n\n$lab_h\n" .
        "extern const char lab_why[]; /* your sentence */\n\n#endif\n");
    spew("$dir/forward.c", "/* What an assignment does not ask for is the library's own. */\n#include \"lab.h\"\n#include \"own.h\"\n" .
        "typedef int lab_forward; /* a file must declare something */\n$forward");
    exit 0;
}

# The model answer. What the library has is taken from it, with all private names that it uses.
my ($number, $dir) = @args;
my ($lab) = grep { /^\Q$number\E_/ } @labs;
die "error: course.tsv has no assignment $number\n" unless $lab;
my $own = -f "$here/$lab/answer.c" ? slurp("$here/$lab/answer.c") : die "error: $here/$lab/answer.c is not there\n";
my %libm = (sgm__exp => 'exp', sgm__log => 'log', sgm__expm1 => 'expm1', sgm__log1p => 'log1p', sgm__fmaf => 'fmaf');
my (%part, @todo); # begin => text
for my $name (@{$cuts{$lab}}) {
    next if $own =~ /^[^\n;#\/ ][^\n;]*\b\Q$name\E\([^;{}]*\)\s*\{/m; # the assignment has one of its own
    my ($begin, undef, $def) = one_definition($name);
    $def =~ s/^(static|SGM_API) //;
    $part{$begin} = $def;
    push @todo, $def;
}
my %seen = map { $_ => 1 } keys %lab_of;
while (defined(my $def = shift @todo)) {
    (my $code = $def) =~ s{/\*.*?\*/}{}gs;
    for my $name ($code =~ /\b(sgm__\w+|SGM__\w+)\b/g) {
        next if $seen{$name}++ || $libm{$name};
        my ($begin, $found);
        if (my @f = definition($name)) {
            die "error: $name is defined " . @f . " times\n" unless @f == 1;
            ($begin, undef, $found) = @{$f[0]};
        } elsif ($text =~ /^#define \Q$name\E\b(?:[^\n]*\\\n)*[^\n]*\n/m
            || $text =~ /^typedef struct \Q$name\E \{.*?\n\} \Q$name\E;\n/ms
            || $text =~ /^static const [^\n;{}()]*\b\Q$name\E\b[^;]*;[^\n]*\n/m
            || $text =~ /^enum \{[^}]*\b\Q$name\E\b[^}]*\};[^\n]*\n/m) {
            ($begin, $found) = ($-[0], $&);
        } else {
            die "error: $lab: where is $name defined? Its cut function cannot be taken out alone: put it into answer.c\n";
        }
        next if $part{$begin};
        $part{$begin} = $found;
        push @todo, $found;
    }
}
my $answer = "#include \"lab.h\"\n\n" . join "\n", map { $part{$_} } sort { $a <=> $b } keys %part;
$answer =~ s/\b(sgm__\w+)\b/$libm{$1} || $1/ge;
$own =~ s/^#include "lab.h"\n//m;
make_path("$dir/$lab");
spew("$dir/$lab/answer.c", "$answer\n$own");
